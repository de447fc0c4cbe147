"""Base against tuned on the same questions: what is said "on these questions", and what "for questions like these".

The first speaks of the questions that were asked and of the chance in the answers: exact bounds of a rate's rise, an exact
stratified test, sign flips within pairs. The second speaks of further questions of the kind, so its unit is the question. A
change that only moved harm from some questions to others is seen by the first and must not be by the second.

Source: clustered errors, arXiv 2411.00640; MOVER, Zou & Donner 2008; Mantel & Haenszel 1959, exact.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr

from wolfnote import stats
from wolfnote.results import Estimate

Floats = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 10_000
CHUNK = 250
"""Resamples at once: what they need stays below 50 MB for 10,000 records."""


class Counts(NamedTuple):
    """Of ``n`` answers in each arm, how many are of the kind that is counted."""

    after: int
    before: int
    n: int


def rise(name: str, found: Counts, *, level: float = LEVEL) -> Estimate:
    """Rate after − rate before, on these questions, with MOVER over two exact intervals.

    Each count is a sum of unequal Bernoullis, less spread than a binomial of the same mean (Hoeffding 1956), so the exact
    binomial interval covers it, zero included.
    """
    low, high = _bounds(found, (1 - level) / 2)
    value = (found.after - found.before) / found.n
    return Estimate(name, value, low, high, found.n, f"difference of rates, exact bounds joined, {level:.0%}")


def above(found: Counts, tolerance: float) -> float:
    """p-value against "the rate rose by no more than ``tolerance``": the least tail at which the lower bound exceeds it."""
    if (found.after - found.before) / found.n <= tolerance:
        return 1.0
    low, high = 0.0, 0.5
    for _ in range(stats.STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _bounds(found, middle)[0] > tolerance else (middle, high)
    return high


def stratified(after: Sequence[int], before: Sequence[int], n: Sequence[int]) -> float:
    """Exact one-sided p-value that no question's rate rose (Cochran, Mantel & Haenszel): each question's count, given both
    arms' sum, is hypergeometric; their sum's distribution is the convolution. ``n``: answers in each arm, by question."""
    mass = np.ones(1)
    for a, b, m in zip(after, before, n, strict=True):
        if a + b and m:
            mass = np.convolve(mass, _split(a + b, m))
    shift = sum(max(0, a + b - m) for a, b, m in zip(after, before, n, strict=True))
    return float(min(1.0, mass[sum(after) - shift :].sum()))


def clustered(name: str, differences: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Mean of the questions' differences for questions like these: t over questions, the cluster being the question.

    Where no question differs, t would claim certainty; then the bound is the share of questions that none of so many rules out.
    """
    found = stats.mean(name, differences, level=level)
    if found.low is None or any(difference != differences[0] for difference in differences):
        return found
    far = stats.high_bound(0, len(differences), (1 - level) / 2)
    method = f"no question differs from another, exact bound {level:.0%}"
    return Estimate(name, found.value, found.value - far, found.value + far, found.n, method)


def clustered_above(differences: Sequence[float], tolerance: float) -> float:
    """p-value against "on average, questions like these rise by no more than ``tolerance``": t over questions."""
    x = np.asarray(differences, np.float64)
    if len(x) < 2 or x.mean() <= tolerance:
        return 1.0
    if x.std() == 0:  # all rose alike: a sign test
        return float(0.5 ** len(x))
    return float(stdtr(len(x) - 1, -(x.mean() - tolerance) / (x.std(ddof=1) / sqrt(len(x)))))


def net_above(effect: Sequence[float], control: Sequence[float], tolerance: float) -> float:
    """p-value against "mean(effect) − mean(control) is no more than ``tolerance``": Welch's t, as ``stats.net``."""
    a, b = np.asarray(effect, np.float64), np.asarray(control, np.float64)
    if len(a) < 2 or len(b) < 2:
        return 1.0
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    gap = float(a.mean() - b.mean()) - tolerance
    if va + vb == 0:
        return 0.0 if gap > 0 else 1.0
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return float(stdtr(df, -gap / sqrt(va + vb)))


def by_question(questions: Sequence[Hashable], differences: Sequence[float]) -> list[float]:
    """The mean difference of each question, in order of first appearance."""
    found: dict[Hashable, list[float]] = {}
    for question, difference in zip(questions, differences, strict=True):
        found.setdefault(question, []).append(difference)
    return [sum(each) / len(each) for each in found.values()]


def flipped(differences: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """One-sided p-value that pairs differ by nothing, on these questions: which answer of a pair is the tuned one's is drawn
    anew ``resamples`` times."""
    x = np.asarray(differences, np.float32)
    chance = np.random.default_rng(seed)
    total, reached = float(x.sum()), 0
    for at in range(0, resamples, CHUNK):
        rows = min(CHUNK, resamples - at)
        bits = np.unpackbits(np.frombuffer(chance.bytes(rows * (-(-len(x) // 8))), np.uint8).reshape(rows, -1), axis=1)
        reached += int((2 * (bits[:, : len(x)].astype(np.float32) @ x) - total >= total - 1e-6 * abs(total)).sum())
    return (1 + reached) / (1 + resamples)


def resampled(name: str, differences: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean of the questions' differences with a percentile bootstrap over questions, 95 %."""
    x = np.asarray(differences, np.float32)
    chance = np.random.default_rng(seed)
    means = np.concatenate([
        x[chance.integers(0, len(x), (min(CHUNK, resamples - at), len(x)), dtype=np.uint32)].mean(1)
        for at in range(0, resamples, CHUNK)
    ])  # fmt: skip
    low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
    return Estimate(name, float(x.mean()), low, high, len(x), f"bootstrap over questions, {resamples} resamples, 95%")


def distance(after: Sequence[float], before: Sequence[float]) -> float:
    """Wasserstein distance of two samples of one size: mean |difference| of their sorted values, in their unit."""
    return float(np.abs(np.sort(np.asarray(after)) - np.sort(np.asarray(before))).mean())


def detectable(n: int, before: float, tolerance: float, tail: float, *, power: float = 0.8) -> float:
    """The smallest rate after tuning that ``n`` answers an arm would call above tolerance with probability ``power``.

    1.0 where none would; ``before``: the base's rate, ``tail``: the one-sided error that the gate may use.
    """
    expected = round(before * n)
    enough = [k for k in range(expected, n + 1) if _bounds(Counts(k, expected, n), tail)[0] > tolerance]
    if not enough:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(stats.STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if stats.at_least(enough[0], n, middle) >= power else (middle, high)
    return high


def _bounds(found: Counts, tail: float) -> tuple[float, float]:
    """Both bounds of the difference, each exceeded with probability ``tail``."""
    a, b, n = found
    after, before = a / n, b / n
    after_low, after_high = stats.low_bound(a, n, tail), stats.high_bound(a, n, tail)
    before_low, before_high = stats.low_bound(b, n, tail), stats.high_bound(b, n, tail)
    low = after - before - sqrt((after - after_low) ** 2 + (before_high - before) ** 2)
    return low, after - before + sqrt((after_high - after) ** 2 + (before - before_low) ** 2)


def _split(total: int, m: int) -> NDArray[Any]:
    """P(k of ``total`` marked answers are the tuned one's), k from the least possible on; ``m`` answers an arm."""
    k = np.arange(max(0, total - m), min(total, m) + 1, dtype=np.float64)
    logs = _choose(m, k) + _choose(m, total - k) - _choose(2 * m, np.float64(total))
    return np.asarray(np.exp(logs))


def _choose(n: int, k: Any) -> Any:
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
