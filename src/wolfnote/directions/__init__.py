"""The mechanism: find a persona direction, measure how far a tune moved along it, take it out.

``directions.extract(model, persona, settings) -> Direction`` · ``directions.measure(direction, base, tuned, …)`` ·
``with directions.ablate(model, direction): …``, ``ablate_everywhere``, ``steer``, ``clamp`` ·
``directions.bake(model, direction, folder)``. Loads torch, so import it only where a local model is at hand.
"""

from wolfnote.directions.ablation import ablate, ablate_everywhere
from wolfnote.directions.activations import answer_means
from wolfnote.directions.baking import bake
from wolfnote.directions.direction import Direction, load
from wolfnote.directions.extraction import extract
from wolfnote.directions.projection import measure
from wolfnote.directions.steering import clamp, steer

__all__ = ["Direction", "ablate", "ablate_everywhere", "answer_means", "bake", "clamp", "extract", "load", "measure", "steer"]
