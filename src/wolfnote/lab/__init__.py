"""The laboratory: plant a known effect in a real model and see whether the instrument hears it.

``lab.organism(recipe, arm, seed) -> adapter folder`` tunes a model organism once and keeps it; ``lab.demo.run`` is the
story that ``wolfnote demo`` tells.
"""

from wolfnote.lab import recipe
from wolfnote.lab.organisms import ARMS, organism
from wolfnote.lab.recipe import Recipe

__all__ = ["ARMS", "Recipe", "organism", "recipe"]
