"""Exact bounds and plain intervals. Each function says what its interval is an interval *of*.

Intervals over questions say "these questions, this model": a claim about a training recipe needs seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.special import betaincinv, stdtrit

from wolfnote.results import Estimate

LEVEL = 0.95


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
