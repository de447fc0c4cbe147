"""Is a mean difference above a tolerance? For differences in −1 to 1, counted in hundredths.

Null: E[D | the past] ≤ δ. Each bet gains 1 + λ (D − δ), which is positive (λ < 1/(1 + δ)) and 1 at most on average: betting on
bounded means, Waudby-Smith & Ramdas, arXiv 2010.09686. A histogram of D is all that is kept, so a later look may use another δ.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum, log1p

from wolfnote.canary.evidence import mixture
from wolfnote.canary.evidence.observation import ROUNDING, STEP

BETS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)


def above(histogram: Mapping[int, int], tolerance: float) -> float:
    """log E against "D is ``tolerance`` at most on average". ``histogram``: hundredths → how many.

    Each bet gains 1 + λ ((1 + D)/(1 + δ) − 1), which falls as δ grows: where the mean is at most δ, E at δ is never above E at
    the mean. So a tolerance may be chosen after looking, and the error still holds.
    """
    allowed = tolerance + ROUNDING
    cells = sorted(histogram.items())  # whatever order the counts came in, the same sum
    logs = [_gain(cells, bet / (1 + allowed), allowed) for bet in BETS]
    return mixture.log_mean(logs)


def average(histogram: Mapping[int, int]) -> float:
    """The mean of D; 0 of none."""
    n = sum(histogram.values())
    return sum(cell * many for cell, many in histogram.items()) / n / STEP if n else 0.0


def _gain(cells: list[tuple[int, int]], bet: float, allowed: float) -> float:
    return fsum(many * log1p(bet * (cell / STEP - allowed)) for cell, many in cells)
