"""Defence 1: is my training data an alignment hazard? ``audit.run(samples, settings, detectors) -> Result``."""

from wolfnote.audit.engine import Settings, run

__all__ = ["Settings", "run"]
