"""Defence 2: did the fine-tune change what it was not meant to change? ``probe.run(base, tuned, settings) -> Result``."""

from wolfnote.probe.comparison import Besides, run
from wolfnote.probe.forecast import plan
from wolfnote.probe.reading import Settings, answers, defaults, margins
from wolfnote.probe.verdict import recompute

__all__ = ["Besides", "Settings", "answers", "defaults", "margins", "plan", "recompute", "run"]
