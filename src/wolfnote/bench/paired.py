"""How much was lost from one model to another on the same items: arrays in, bounds out.

Binary values: Tango's score statistic (Statistics in Medicine 17, 1998), which needs no large counts and has no zero width
where no item changed; items that share a source weigh less, by the design effect (Rao & Scott 1992). Other values: the paired
mean with a t interval, sources as units (Miller, arXiv 2411.00640). A loss is base − tuned, so above 0 is worse.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtr, ndtr, ndtri, stdtr, stdtrit

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.95
FEW = 10
"""So few changed items (or twice as few sources) say nothing of how they hang together, or of how much an item can change."""
STEPS = 60


class Loss(NamedTuple):
    """What was lost on ``n`` items: the mean of base − tuned, and how far it lies above a given loss, in standard errors.

    ``above(loss)`` is read against Student's t with ``df`` degrees of freedom (infinite: the normal distribution).
    """

    value: float
    n: int
    df: float
    above: Callable[[float], float]
    method: str

    def at_most(self, loss: float) -> float:
        """p-value against "no more than ``loss`` was lost": small where more was."""
        return _below(-self.above(loss), self.df)

    def at_least(self, loss: float) -> float:
        """p-value against "``loss`` or more was lost": small where less was."""
        return _below(self.above(loss), self.df)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Bounds of the loss, each of which misses the truth with probability (1 − level) / 2."""
        tail = (1 + level) / 2
        far = float(ndtri(tail)) if self.df == inf else float(stdtrit(self.df, tail))
        return _where(self.above, far), _where(self.above, -far)


def lost(base: Floats, tuned: Floats, sources: Floats) -> Loss | None:
    """The loss on items whose values in [0, 1] are paired; ``sources`` [n] names what each belongs to.

    None where there are fewer than two items or, of items that share sources, fewer than two sources.
    """
    difference = base - tuned
    groups = np.unique(sources, return_inverse=True)[1]
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return None
    binary = bool(np.isin(base, (0, 1)).all() and np.isin(tuned, (0, 1)).all())
    changed = int((difference != 0).sum())
    if binary or changed < FEW:
        return _counted(difference, groups, count, binary)
    error = sqrt(_variance(difference, groups, count))
    value = float(difference.mean())
    clustered = "" if count == len(difference) else f", {count} sources as units"
    return Loss(value, len(difference), count - 1, lambda loss: _ratio(value - loss, error), f"paired mean, t{clustered}")


def mcnemar(worse: int, better: int) -> float:
    """Exact two-sided p-value that as many items got worse as got better (McNemar 1947): binomial with one half."""
    n = worse + better
    return min(1.0, 2 * float(bdtr(min(worse, better), n, 0.5))) if n else 1.0


def unpaired(base: Floats, tuned: Floats) -> float:
    """Two-sided p-value of the z-test that takes the items of the two models for different ones, as lm-eval's
    ``model_comparator`` does. Shown beside McNemar's, never decided by."""
    n = len(base)
    spread = sqrt((float(base.var(ddof=1)) + float(tuned.var(ddof=1))) / n)
    gap = abs(float(base.mean() - tuned.mean()))
    return 1.0 if gap == 0 else 0.0 if spread == 0 else 2 * float(ndtr(-gap / spread))


def low_mean(values: Floats, sources: Floats, level: float = LEVEL) -> float | None:
    """The bound below a mean, clustered by source; None for fewer than two sources."""
    groups = np.unique(sources, return_inverse=True)[1]
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return None
    return float(values.mean()) - float(stdtrit(count - 1, (1 + level) / 2)) * sqrt(_variance(values, groups, count))


def _counted(difference: Floats, groups: Ints, count: int, binary: bool) -> Loss:
    """Each changed item as one whole point: exact for binary values, cautious for others."""
    n, worse, better = len(difference), int((difference > 0).sum()), int((difference < 0).sum())
    effect = 1.0 if not (binary or worse or better) else _design_effect(difference, groups, count)
    b, c, m = worse / effect, better / effect, n / effect
    shared = count < n
    name = "paired shares, Tango's score" if binary else f"fewer than {FEW} changed, each counted whole, Tango's score"
    method = name + (f", {count} sources, design effect {effect:.2f}" if shared else "")
    return Loss(float(difference.mean()), n, count - 1 if shared else inf, lambda loss: tango(b, c, m, loss), method)


def tango(worse: float, better: float, n: float, loss: float) -> float:
    """Tango's score statistic of the loss (worse − better) / n against a given one, standard normal if that is the truth."""
    gap = worse - better - n * loss
    size = abs(loss)
    # the formula is written for a positive loss; a negative one is a gain, with the roles changed
    more, less = (worse, better) if loss >= 0 else (better, worse)
    linear = -more - less + (2 * n - more + less) * size
    root = sqrt(max(0.0, linear**2 + 8 * n * less * size * (1 - size)))
    spread = n * (2 * (root - linear) / (4 * n) + size * (1 - size))
    return _ratio(gap, sqrt(max(0.0, spread)))


def _design_effect(difference: Floats, groups: Ints, count: int) -> float:
    """By how much shared sources inflate the variance, at least 1; of too few sources or changes to tell, at most."""
    n = len(difference)
    if count == n:
        return 1.0
    sizes = np.bincount(groups)
    if count < 2 * FEW or int((difference != 0).sum()) < FEW:
        return float((sizes**2).sum()) / n
    doubt = 1 + sqrt(2 / (count - 1))  # a standard error of the variance: where few were lost, it is underestimated as well
    return max(1.0, doubt * _variance(difference, groups, count) / (float(difference.var(ddof=1)) / n))


def _variance(values: Floats, groups: Ints, count: int) -> float:
    """Squared standard error of the mean with sources as units; with one item a source, the plain one."""
    sums = np.bincount(groups, weights=values - values.mean(), minlength=count)
    return float((sums**2).sum()) * count / (count - 1) / len(values) ** 2


def _ratio(gap: float, error: float) -> float:
    """In standard errors; without any, as far as can be."""
    return gap / error if error > 0 else copysign(inf, gap) if gap else 0.0


def _below(z: float, df: float) -> float:
    return float(ndtr(z)) if df == inf else float(stdtr(df, z))


def _where(above: Callable[[float], float], target: float) -> float:
    """The loss at which the falling ``above`` crosses ``target``."""
    low, high = -1.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > target else (low, middle)
    return (low + high) / 2
