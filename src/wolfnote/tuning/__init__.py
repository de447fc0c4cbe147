"""Fine-tune: ``tuning.run(model, samples, settings) -> adapter folder``."""

from wolfnote.tuning.forecast import plan
from wolfnote.tuning.recipe import Settings
from wolfnote.tuning.tune import run

__all__ = ["Settings", "plan", "run"]
