"""Arms against arms on the same items: arrays in, simultaneous bounds out. The unit is the document or customer.

Clusters are drawn anew with replacement, all arms together (paired). Multiple comparison with the best (Hsu 1984; Edwards &
Hsu 1983): for every arm, bounds of its mean − the best other mean, all at once with probability ``level``. The critical values
are the bootstrap's, never below Student's; each difference's spread is as if one more cluster had been won and one lost
(Agresti & Min 2005), so that arms that agreed on every item are not taken for equal with certainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEVEL = 0.95
RESAMPLES = 4000
CHUNK = 500
"""Resamples at once."""


class Drawn(NamedTuple):
    """What is compared: means [k], covariance of the means [k, k], resampled means − means [resamples, k], items, clusters,
    and ``doubt``, the variance that one more cluster won and one lost would add to a difference."""

    means: Floats
    covariance: Floats
    draws: Floats
    n: int
    clusters: int
    doubt: float

    def spread(self, i: int, j: int) -> float:
        """Standard error of the difference of two means."""
        c = self.covariance
        return sqrt(max(0.0, float(c[i, i] + c[j, j] - 2 * c[i, j])) + self.doubt)

    def student(self, level: float) -> float:
        """Student's quantile for these clusters; of one cluster, as of two: whoever decides asks for more."""
        return float(stdtrit(max(1, self.clusters - 1), level))


class Bounds(NamedTuple):
    """Of an arm's mean − the best other mean."""

    value: float
    low: float
    high: float


def draw(values: Floats, groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> Drawn:
    """``values`` [k, n] of k arms on n items in ``groups``. Raises ``ValueError`` where there is no item."""
    if values.shape[1] == 0:
        raise ValueError("no items")
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    m, n = int(numbers.max()) + 1, values.shape[1]
    sizes = np.bincount(numbers, minlength=m).astype(np.float64)
    totals = np.stack([np.bincount(numbers, weights=row, minlength=m) for row in values]).astype(np.float64)
    means = totals.sum(1) / n
    left = (totals - means[:, None] * sizes) / n
    covariance = left @ left.T * (m / max(1, m - 1))
    random = np.random.default_rng(seed)
    again = [_again(totals, sizes, min(CHUNK, resamples - at), random) for at in range(0, resamples, CHUNK)]
    draws = np.concatenate(again) if again else np.empty((0, len(means)))
    doubt = 2 * (float((sizes**2).sum()) / n**2) ** 2
    return Drawn(means, covariance, draws - means, n, m, doubt)


def with_the_best(drawn: Drawn, arms: Sequence[int], *, level: float = LEVEL) -> dict[int, Bounds]:
    """For each of these arms, its mean − the best other one's: bounds that hold together with probability ``level``."""
    means = drawn.means
    if len(arms) < 2:
        return {i: Bounds(0.0, 0.0, 0.0) for i in arms}
    far = {i: critical(drawn, [(i, j) for j in arms if j != i], level) for i in arms}
    high = {i: max(0.0, min(_upper(drawn, i, j, far[i]) for j in arms if j != i)) for i in arms}
    likely = [i for i in arms if high[i] > 0]
    found = {}
    for i in arms:
        rivals = [j for j in likely if j != i]
        low = min((float(means[i] - means[j]) - far[j] * drawn.spread(i, j) for j in rivals), default=0.0)
        value = float(means[i] - max(means[j] for j in arms if j != i))
        found[i] = Bounds(value, min(0.0, low), high[i])
    return found


def above(drawn: Drawn, these: Sequence[int], those: Sequence[int], *, level: float = LEVEL) -> dict[int, Bounds]:
    """How far each of ``these`` lies above the best of ``those``: lower bounds that hold together with probability ``level``.

    The upper bounds hold at the same level, arm by arm.
    """
    far = critical(drawn, [(i, j) for i in these for j in those], level)
    found = {}
    for i in these:
        gaps = [(float(drawn.means[i] - drawn.means[j]), drawn.spread(i, j)) for j in those]
        low = min(gap - far * spread for gap, spread in gaps)
        found[i] = Bounds(min(gap for gap, _ in gaps), low, min(gap + far * spread for gap, spread in gaps))
    return found


def critical(drawn: Drawn, pairs: Sequence[tuple[int, int]], level: float) -> float:
    """By how many standard errors no difference of these pairs is overrated, all at once, with probability ``level``."""
    least = drawn.student(level)
    spreads = np.array([drawn.spread(i, j) for i, j in pairs])
    ups, downs = [i for i, _ in pairs], [j for _, j in pairs]
    most = ((drawn.draws[:, ups] - drawn.draws[:, downs]) / spreads).max(axis=1)
    small = least / float(ndtri(level))  # few clusters: the bootstrap's tails are too thin
    return max(least, small * float(np.quantile(most, level, method="higher")))


def part_of_gain(drawn: Drawn, arm: int, base: int, tuned: int, *, level: float = LEVEL) -> Bounds | None:
    """(arm − base) / (tuned − base) with Fieller's interval (1954); None where the tuned gain is not above 0.

    Each end misses the truth with probability (1 − level) / 2.
    """
    gain = float(drawn.means[tuned] - drawn.means[base])
    far = drawn.student((1 + level) / 2)
    if gain - far * drawn.spread(tuned, base) <= 0:
        return None
    reached = float(drawn.means[arm] - drawn.means[base])
    c, doubt = drawn.covariance, drawn.doubt
    top = float(c[arm, arm] + c[base, base] - 2 * c[arm, base]) + doubt
    under = float(c[tuned, tuned] + c[base, base] - 2 * c[tuned, base]) + doubt
    both = float(c[arm, tuned] - c[arm, base] - c[base, tuned] + c[base, base])
    # all r for which reached − r gain is within far standard errors of 0
    a, b, e = gain**2 - far**2 * under, reached * gain - far**2 * both, reached**2 - far**2 * top
    root = sqrt(max(0.0, b * b - a * e))
    return Bounds(reached / gain, (b - root) / a, (b + root) / a)


def interval(drawn: Drawn, i: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Bounds of one arm's mean, within 0–1."""
    half = drawn.student((1 + level) / 2) * sqrt(float(drawn.covariance[i, i]) + drawn.doubt / 2)
    return max(0.0, float(drawn.means[i]) - half), min(1.0, float(drawn.means[i]) + half)


def needed(n: int, half: float, gap: float) -> float:
    """How many items would make a half-width as small as the gap, if they went on like these; infinite where there is none."""
    return n * (half / gap) ** 2 if gap > 0 else inf


def _again(totals: Floats, sizes: Floats, count: int, random: np.random.Generator) -> Floats:
    m = len(sizes)
    times = random.multinomial(m, np.full(m, 1 / m), size=count).astype(np.float64)
    return np.asarray(times @ totals.T / (times @ sizes)[:, None], dtype=np.float64)


def _upper(drawn: Drawn, i: int, j: int, far: float) -> float:
    return float(drawn.means[i] - drawn.means[j]) + far * drawn.spread(i, j)
