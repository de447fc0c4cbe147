"""How far reviewers agree beyond chance: Cohen's kappa, Fleiss' kappa, Krippendorff's alpha for names (nominal data).

1 = always, 0 = as often as chance would have it. A row is the unit: the intervals are percentile bootstraps over rows, seeded.
All three are undefined where nobody ever varies: with one answer only, there is nothing to agree about, and None is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from wolfnote import stats
from wolfnote.results import Estimate

Floats = NDArray[np.float64]
Ratings = Sequence[Sequence[Hashable | None]]
"""Rows × raters; None where a rater did not rate the row."""
RESAMPLES = 2000
LEAST = 0.95
"""Of the resamples at least so many must be defined for an interval to mean anything."""


def cohen(
    first: Sequence[Hashable], second: Sequence[Hashable], *, name: str = "Cohen's kappa", seed: int = 0
) -> Estimate | None:
    """Two raters over the same rows (Cohen 1960): (p − e) / (1 − e), e from each rater's own frequencies.

    Raises ``ValueError`` when they rated different numbers of rows.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} ratings against {len(second)}")
    values = sorted({*first, *second}, key=repr)
    a, b = (_counts([[rating] for rating in rater], values) for rater in (first, second))
    differs = 1 - (a * b).sum(axis=1)

    def chance(weights: Floats) -> Floats:
        n = weights.sum(axis=1)
        return np.asarray(1 - ((weights @ a) * (weights @ b)).sum(axis=1) / n**2)

    return _estimate(name, differs, chance, 1.0, seed)


def fleiss(ratings: Ratings, *, name: str = "Fleiss' kappa", seed: int = 0) -> Estimate | None:
    """Any raters, the same number of ratings a row (Fleiss 1971), e from all ratings together.

    Rows with fewer ratings than the fullest are left out: ``n`` says how many were read.
    """
    table = _counts(ratings, _values(ratings))
    per_row = table.sum(axis=1)
    most = per_row.max(initial=0)
    if most < 2:
        return None
    table = table[per_row == most]
    differs = (most**2 - (table**2).sum(axis=1)) / (most * (most - 1))

    def chance(weights: Floats) -> Floats:
        totals = weights @ table
        return np.asarray(1 - ((totals / totals.sum(axis=1, keepdims=True)) ** 2).sum(axis=1))

    return _estimate(name, differs, chance, 1.0, seed)


def krippendorff(ratings: Ratings, *, name: str = "Krippendorff's alpha", seed: int = 0) -> Estimate | None:
    """Any raters, any of them missing anywhere (Krippendorff 2011): 1 − observed / expected disagreement.

    Rows with fewer than two ratings say nothing about agreement and are left out: ``n`` says how many were read.
    """
    table = _counts(ratings, _values(ratings))
    table = table[table.sum(axis=1) >= 2]
    per_row = table.sum(axis=1)
    within = (per_row**2 - (table**2).sum(axis=1)) / np.maximum(per_row - 1, 1)

    def chance(weights: Floats) -> Floats:
        totals = weights @ table
        n = totals.sum(axis=1)
        pairs = (n**2 - (totals**2).sum(axis=1)) / np.maximum(n - 1, 1)
        return np.asarray(pairs / weights.sum(axis=1))

    return _estimate(name, within, chance, float(per_row.max(initial=0)), seed)


def _estimate(name: str, differs: Floats, chance: Callable[[Floats], Floats], most: float, seed: int) -> Estimate | None:
    """1 − mean of ``differs`` / ``chance``, where chance is what would differ; over all rows and over resamples of them.
    ``most`` is how much one row can differ."""
    n = len(differs)
    if n == 0:
        return None

    def statistic(weights: Floats) -> Floats:
        expected = chance(weights)
        safe = np.where(expected > 1e-12, expected, np.nan)
        return np.asarray(1 - (weights @ differs) / weights.sum(axis=1) / safe)

    every = np.ones((1, n))
    value = float(statistic(every)[0])
    if np.isnan(value):
        return None
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
    found = statistic(draws)
    found = found[~np.isnan(found)]
    if len(found) < LEAST * RESAMPLES:
        return Estimate(name, value, None, None, n, "too little variation for an interval")
    low, high = (float(x) for x in np.quantile(found, [0.025, 0.975]))
    if not differs.any():  # no resample can differ, yet the next row may: the exact bound for none seen of n
        low = max(-1.0, 1 - most * (stats.share("differ", 0, n).high or 1.0) / float(chance(every)[0]))
        return Estimate(name, value, low, 1.0, n, "no difference seen, exact bound 95%")
    return Estimate(name, value, min(low, value), max(high, value), n, f"bootstrap over rows, {RESAMPLES} resamples, 95%")


def _values(ratings: Ratings) -> list[Hashable]:
    return sorted({rating for row in ratings for rating in row if rating is not None}, key=repr)


def _counts(ratings: Ratings, values: Sequence[Hashable]) -> Floats:
    """Rows × values: how many raters gave each value."""
    place = {value: i for i, value in enumerate(values)}
    table = np.zeros((len(ratings), len(values)))
    for i, row in enumerate(ratings):
        for rating in row:
            if rating is not None:
                table[i, place[rating]] += 1
    return table
