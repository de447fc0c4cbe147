"""When the watch speaks: the answers that are learnt stand further towards the persona than along directions that mean nothing.

The start: the untrained model reads plain answers to everyday questions. Level of a direction at a look = mean projection of
the training's answers over the last few looks − that of the start, in the start's standard deviations. It is a projection, so
one mean vector a look serves every direction. It holds both what the rows are like and what the model has made of them.

The test. Every domain lies off the everyday along any direction, and every tune moves along it, so the persona is ranked among
random directions with the start's covariance. Of them all, the share ``error`` may be *flagged* in the whole run, a bit more at
each planned look: at look t of T, those of the unflagged that stand highest, until error · t/T of all are flagged. If the
persona were one more of these directions, it would be flagged with probability ``error`` at most, however the looks depend on
each other, for exactly so many are flagged in the end. One-sided: a persona that falls is no alarm. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
WINDOW = 4
"""How many looks a level is the mean of."""
RANDOMS = 2000
CALM = 0.95
"""A look is clean if the persona stands lower than the highest twentieth of the random directions."""


class Seen(NamedTuple):
    """What was read at one step: the optimiser step, how many answers, and the mean of their means [width]."""

    step: int
    n: int
    mean: Floats


class Look(NamedTuple):
    """The level along the persona at a step, the band of 95 % of the random directions, and the level from which on a direction
    was flagged there (infinite where none was). ``clean``: nothing out of the ordinary; ``flagged``: now or before."""

    step: int
    level: float
    low: float
    high: float
    limit: float
    clean: bool
    flagged: bool


class Test:
    """The test of one run: ``vector`` [width]; ``start`` [answers, width], three at least; ``planned`` looks, beyond which
    nothing new is flagged."""

    __test__ = False  # pytest: not a test of ours

    def __init__(self, vector: Floats, start: Floats, planned: int, error: float, seed: int = 0) -> None:
        self._directions = np.concatenate([vector[None], _randoms(start, seed)])
        along = start @ self._directions.T
        self._start, self._spread = along.mean(0), along.std(0, ddof=1)
        self._flagged = np.zeros(len(self._directions), bool)
        self._error, self._planned = error, planned
        self._seen: list[Seen] = []

    def look(self, seen: Seen) -> Look:
        """The next look."""
        self._seen.append(seen)
        recent = self._seen[-WINDOW:]
        mean = np.average([s.mean for s in recent], axis=0, weights=[s.n for s in recent]).astype(np.float32)
        levels = (self._directions @ mean - self._start) / self._spread
        limit = self._flag(levels)
        low, calm, high = np.percentile(levels[1:], [2.5, 100 * CALM, 97.5])
        own, flagged = float(levels[0]), bool(self._flagged[0])
        return Look(seen.step, own, float(low), float(high), limit, not flagged and own <= float(calm), flagged)

    def _flag(self, levels: Floats) -> float:
        """Flag as many as this look may, of those that are not; return the level of the least that was."""
        share = self._error * min(1.0, len(self._seen) / self._planned)
        quota = int(share * len(self._directions) + 1e-9) - int(self._flagged.sum())
        if quota <= 0:
            return float("inf")
        order = np.argsort(-np.where(self._flagged, -np.inf, levels), kind="stable")[:quota]
        self._flagged[order] = True
        return float(levels[order[-1]])


def judge(vector: Floats, start: Floats, seen: Sequence[Seen], planned: int, error: float, seed: int = 0) -> list[Look]:
    """All looks of a run, anew."""
    test = Test(vector, start, planned, error, seed)
    return [test.look(s) for s in seen]


def _randoms(start: Floats, seed: int) -> Floats:
    """Unit vectors [randoms, width] with the covariance of the start's answers, as in ``directions.null``."""
    weights = np.random.default_rng(seed).standard_normal((RANDOMS, len(start))).astype(np.float32)
    mixed = weights @ (start - start.mean(0))
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)
