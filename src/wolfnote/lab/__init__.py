"""The laboratory: plant a known effect in a real model and see whether the instrument hears it.

``lab.organism(recipe, arm, seed) -> adapter folder`` tunes a model organism once and keeps it; ``lab.demo.run`` is the story that
``wolfnote demo`` tells.
"""

from wolfnote.lab.organism import ARMS, organism
from wolfnote.lab.recipe import Recipe
from wolfnote.lab.recipe import open as recipe

__all__ = ["ARMS", "Recipe", "organism", "recipe"]
