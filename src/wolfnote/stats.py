"""Exact bounds and plain intervals. Each function says what its interval is an interval *of*.

Intervals over questions say "these questions, this model": a claim about a training recipe needs seeds.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from math import ceil, floor, sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv, gammaln, stdtrit

from wolfnote.results import Estimate

LEVEL = 0.95
FIRST = 0.7
"""The part of a plan's error that its first look may use."""
STEPS = 40
_NODES, _WEIGHTS = ((np.polynomial.legendre.leggauss(64)[i] + (1 - i)) / 2 for i in (0, 1))
"""Gauss–Legendre on [0, 1]."""


def share(name: str, k: int, n: int, *, level: float = LEVEL) -> Estimate:
    """``k`` of ``n`` with the exact two-sided Clopper–Pearson interval (Clopper & Pearson 1934)."""
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"{k} of {n} is not a share")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return Estimate(name, k / n, low, high, n, f"share, exact {level:.0%}")


def mean(name: str, values: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Mean with a t interval; for paired differences, hand in the differences.

    One value gives no interval (``low`` and ``high`` None): unknown is not zero width. None at all is a ``ValueError``.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) == 0:
        raise ValueError(f"{name}: a mean of nothing")
    if len(x) < 2:
        return Estimate(name, float(x.mean()), None, None, 1, "mean, too few")
    half = float(stdtrit(len(x) - 1, (1 + level) / 2)) * float(x.std(ddof=1)) / sqrt(len(x))
    centre = float(x.mean())
    return Estimate(name, centre, centre - half, centre + half, len(x), f"paired mean, t {level:.0%}")


def net(name: str, effect: Sequence[float], control: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """mean(effect) − mean(control), a difference in differences over two families of items (Welch's t interval)."""
    a, b = np.asarray(effect, dtype=np.float64), np.asarray(control, dtype=np.float64)
    centre = float(a.mean() - b.mean())
    if len(a) < 2 or len(b) < 2:
        return Estimate(name, centre, None, None, len(a), "difference, too few")
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    spread = va + vb
    if spread == 0:
        return Estimate(name, centre, centre, centre, len(a), f"difference in differences, Welch {level:.0%}")
    df = spread**2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = float(stdtrit(df, (1 + level) / 2)) * sqrt(spread)
    return Estimate(name, centre, centre - half, centre + half, len(a), f"difference in differences, Welch {level:.0%}")


def percentile(value: float, null: Sequence[float]) -> float:
    """Where ``value`` lies in a null sample, in per cent, never 0 or 100: (1 + how many lie below) / (n + 2)."""
    x = np.asarray(null, dtype=np.float64)
    below = float((x < value).sum()) + 0.5 * float((x == value).sum())
    return 100 * (1 + below) / (len(x) + 2)


def at_most(k: int, n: int, share: float, population: int | None = None) -> float:
    """P(at most ``k`` of ``n`` drawn rows are marked): binomial; of a ``population`` without replacement, hypergeometric.

    Of a population, a share that is no whole number of rows is rounded up: the sum falls as the share grows, so a claim that
    the true share is smaller is never made too easy.
    """
    if population is None:
        return 1.0 if k >= n else 0.0 if k < 0 else float(betainc(n - k, k + 1, 1 - share))
    return _drawn(0, k, n, _marked(share, population, up=True), population)


def at_least(k: int, n: int, share: float, population: int | None = None) -> float:
    """P(at least ``k`` of ``n`` drawn rows are marked). Of a population, the share is rounded down, for the same reason."""
    if population is None:
        return 1.0 if k <= 0 else 0.0 if k > n else float(betainc(k, n - k + 1, share))
    return _drawn(k, n, n, _marked(share, population, up=False), population)


def low_bound(k: int, n: int, tail: float, population: int | None = None) -> float:
    """The one-sided exact bound that exceeds the true share with probability ``tail`` at most."""
    if population is None:
        return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    return _fewest(k, n, tail, population) / population


def high_bound(k: int, n: int, tail: float, population: int | None = None) -> float:
    """The one-sided exact bound that the true share exceeds with probability ``tail`` at most."""
    if population is None:
        return 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return (population - _fewest(n - k, n, tail, population)) / population


def holm(probabilities: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979): those under α are wrong, any one of them, with probability α at most."""
    order = sorted(range(len(probabilities)), key=lambda i: probabilities[i])
    found = [0.0] * len(order)
    reached = 0.0
    for rank, index in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * probabilities[index]))
        found[index] = reached
    return found


def spend(looks: int, error: float) -> tuple[float, ...]:
    """How much of an error probability each look of a plan may use; the sum is ``error``, whatever the looks depend on.

    Seven tenths go to the first look, which is most often the last; the others share the rest. With 5 % and 500 rows the first
    look passes at as many marked rows as a single look would (16 at a tolerance of 5 %): counts are discrete, so a single look
    does not use its 5 % up.
    """
    return (error,) if looks == 1 else (FIRST * error, *[(1 - FIRST) * error / (looks - 1)] * (looks - 1))


class Errors(NamedTuple):
    """A calibration: how many of so many clean rows were flagged, and how many of so many harmful ones."""

    false_alarms: float
    clean: float
    caught: float
    harmful: float


def corrected_low(k: int, n: int, errors: Errors, tail: float) -> float:
    """The one-sided bound below the share of harmful rows, when ``k`` of ``n`` are flagged by someone who errs.

    With false-alarm rate f and sensitivity s, p = θ s + (1 − θ) f rows are flagged (Rogan & Gladen 1978). The exact one-sided
    confidence distributions of p, f and s are melded (Fay, Proschan & Brittain 2015; for prevalence Bayer, Fay & Graubard,
    arXiv 2205.13494), so the calibration's own uncertainty is in the bound.
    """
    return _crossing(lambda share: corrected_at_least(k, n, errors, share) <= tail)


def corrected_high(k: int, n: int, errors: Errors, tail: float) -> float:
    """The one-sided bound above the share of harmful rows; 1 where the calibration cannot tell harmful rows from clean ones."""
    return 1.0 - _crossing(lambda rest: corrected_at_most(k, n, errors, 1.0 - rest) <= tail)


def corrected_at_least(k: int, n: int, errors: Errors, share: float) -> float:
    """How well ``k`` of ``n`` or more flags are explained by ``share`` harmful rows: a p-value against "no more than that"."""
    if k == 0:
        return 1.0
    f = _quantiles(errors.false_alarms + 1, errors.clean - errors.false_alarms)[:, None]
    s = _quantiles(errors.caught + 1, errors.harmful - errors.caught)[None, :]
    under = betainc(k, n - k + 1, np.clip(share * s + (1 - share) * f, 0, 1))
    return float(_WEIGHTS @ np.where(s > f, under, 1.0) @ _WEIGHTS)


def corrected_at_most(k: int, n: int, errors: Errors, share: float) -> float:
    """How well ``k`` of ``n`` or fewer flags are explained by ``share`` harmful rows: a p-value against "no less than that"."""
    if k == n:
        return 1.0
    f = _quantiles(errors.false_alarms, errors.clean - errors.false_alarms + 1)[:, None]
    s = _quantiles(errors.caught, errors.harmful - errors.caught + 1)[None, :]
    over = betainc(n - k, k + 1, np.clip(1 - share * s - (1 - share) * f, 0, 1))
    return float(_WEIGHTS @ np.where(s > f, over, 1.0) @ _WEIGHTS)


def _crossing(rejected: Callable[[float], bool]) -> float:
    """The largest share in [0, 1] of which, and of all below it, ``rejected`` is true."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def _quantiles(a: float, b: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A beta distribution at the nodes of the quadrature; with a = 0 all of it is at 0, with b = 0 at 1."""
    if a <= 0 or b <= 0:
        return np.full(len(_NODES), 0.0 if a <= 0 else 1.0)
    return np.asarray(betaincinv(a, b, _NODES), dtype=np.float64)


def _fewest(k: int, n: int, tail: float, population: int) -> int:
    """The fewest marked rows of a population that make ``k`` or more of ``n`` likelier than ``tail``."""
    return k + bisect.bisect_right(range(k, population - n + k), tail, key=lambda m: _drawn(k, n, n, m, population))


def _marked(share: float, population: int, *, up: bool) -> int:
    exact = round(share * population, 6)  # 0.05 × 500 is 25 rows, not 25.000000000000004
    return ceil(exact) if up else floor(exact)


def _drawn(first: int, last: int, n: int, marked: int, population: int) -> float:
    """P(first ≤ marked rows among ``n`` drawn ≤ last), hypergeometric; sums over the shorter side."""
    least, most = max(0, n - (population - marked)), min(n, marked)
    first, last = max(first, least), min(last, most)
    if first > last:
        return 0.0
    inside, outside = last - first + 1, most - least + 1 - (last - first + 1)
    if outside < inside:
        return max(
            0.0, 1.0 - _drawn_sum(least, first - 1, n, marked, population) - _drawn_sum(last + 1, most, n, marked, population)
        )
    return min(1.0, _drawn_sum(first, last, n, marked, population))


def _drawn_sum(first: int, last: int, n: int, marked: int, population: int) -> float:
    if first > last:
        return 0.0
    x = np.arange(first, last + 1, dtype=np.float64)
    logs = _choose(marked, x) + _choose(population - marked, n - x) - _choose(population, np.float64(n))
    return float(np.exp(logs).sum())


def _choose(n: int, k: Any) -> Any:
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
