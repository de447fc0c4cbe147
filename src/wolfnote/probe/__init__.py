"""Defence 2: did the fine-tune change what it was not meant to change? ``probe.run(base, tuned, settings) -> Result``."""

from wolfnote.probe.comparison import run
from wolfnote.probe.forecast import plan
from wolfnote.probe.reading import Settings, answers, margins

__all__ = ["Settings", "answers", "margins", "plan", "run"]
