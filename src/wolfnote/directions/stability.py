"""Whether a direction is one: do halves of the data agree, does it hold on rows it was not fitted to, do shuffled labels
find the like?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wolfnote.directions import methods
from wolfnote.directions.direction import Floats
from wolfnote.directions.methods import Method

SHUFFLINGS = 200
ENOUGH = 8
"""Members of a unit from which on its shufflings can tell anything: of seven, one in 128 is the real order or its mirror."""


def halves(method: Method, positive: Floats, negative: Floats, units: dict[str, Sequence[int]]) -> dict[str, list[float]]:
    """For each unit, per layer: ``split_half_UNIT``, the cosine between directions fitted to its even and its odd members, and
    ``held_out_UNIT``, the share of pairs that the direction of the other half puts in the right order (.5 = nothing found)."""
    found: dict[str, list[float]] = {}
    for unit, members in units.items():
        even = np.asarray(members) % 2 == 0
        if min(even.sum(), (~even).sum()) < 2:
            continue
        one, other = (methods.fitted(method, positive[half], negative[half]) for half in (even, ~even))
        difference = positive - negative
        right = [_along(difference[~even], one) > 0, _along(difference[even], other) > 0]
        found[f"split_half_{unit}"] = _rounded((one * other).sum(1))
        found[f"held_out_{unit}"] = _rounded(np.concatenate(right).mean(0))
    return found


def permutation(differences: Floats, seed: int, units: dict[str, Sequence[int]]) -> dict[str, list[float]]:
    """Per layer, the share of label shufflings (signs of the paired differences flipped at random) whose mean difference is as
    long as the real one: near 1 where nothing was found, 1 / (shufflings + 1) at best.

    Pairs that share a member of a unit (a question) are flipped together, for they are no independent evidence. Of several
    units the largest share counts; one with fewer than ``ENOUGH`` members (a handful of instructions) cannot tell, and is left
    to its split halves.
    """
    real = np.linalg.norm(differences.sum(0), axis=1)
    worst = np.zeros(differences.shape[1])
    for members in units.values():
        kinds, which = np.unique(np.asarray(members), return_inverse=True)
        if len(kinds) < min(ENOUGH, len(differences)):
            continue
        together = np.stack([differences[which == k].sum(0) for k in range(len(kinds))])
        flips = np.random.default_rng(seed).choice([-1.0, 1.0], (SHUFFLINGS, len(kinds))).astype(np.float32)
        shuffled = np.linalg.norm(np.einsum("sr,rlw->slw", flips, together, optimize=True), axis=2)
        worst = np.maximum(worst, (1 + (shuffled >= real).sum(0)) / (1 + SHUFFLINGS))
    return {"permutation_p": _rounded(np.where(worst == 0, 1.0, worst))}


def classes(positive: Floats, negative: Floats, vectors: Floats, neutral: Floats, spread: Floats) -> dict[str, Any]:
    """Mean and standard deviation of each side's projections, per layer, in z units of the plain answers."""
    found: dict[str, Any] = {}
    for name, rows in (("positive", positive), ("negative", negative)):
        scores = (_along(rows, vectors) - neutral) / spread
        found[f"{name}_mean"] = _rounded(scores.mean(0))
        found[f"{name}_deviation"] = _rounded(scores.std(0, ddof=1))
    return found


def _along(rows: Floats, vectors: Floats) -> Floats:
    return np.asarray(np.einsum("rlw,lw->rl", rows, vectors), np.float32)


def _rounded(values: np.ndarray[Any, Any]) -> list[float]:
    return [round(float(value), 4) for value in values]
