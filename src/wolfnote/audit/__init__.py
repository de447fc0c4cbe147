"""Defence 1: is my training data an alignment hazard? ``audit.run(samples, settings, detectors) -> Result``."""

from wolfnote.audit.engine import Settings, run
from wolfnote.audit.forecast import plan

__all__ = ["Settings", "plan", "run"]
