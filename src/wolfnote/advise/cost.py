"""What an arm costs: a call, a thousand, a right answer; and from which volume on a tune pays for itself.

Without prices a token read counts 1 and one written 4 (``UNPRICED``), which ranks arms and is no money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from wolfnote.advise.settings import Settings
from wolfnote.forecast import Prices
from wolfnote.results import Estimate

Floats = NDArray[np.float64]
UNPRICED = Prices(1.0, 4.0)
"""Written tokens cost three to five times what read ones do at most hosts."""


class Tariff(NamedTuple):
    """Prices of the untuned and of the tuned model, and the unit they are in."""

    untuned: Prices
    tuned: Prices
    unit: str

    def of(self, tuned: bool) -> Prices:
        """The prices of one of the two."""
        return self.tuned if tuned else self.untuned


def tariff(settings: Settings, remote: Prices | None) -> Tariff:
    """The prices that are set, those of ``[remote]``, or none."""
    own = Prices(settings.price_in, settings.price_out) if settings.price_in or settings.price_out else remote
    unit = "money" if own else "million token units"
    untuned = own or UNPRICED
    tuned = Prices(settings.tuned_price_in, settings.tuned_price_out)
    return Tariff(untuned, tuned if any(tuned) else untuned, unit)


def calls(read: Sequence[int], written: Sequence[int], prices: Prices) -> list[float]:
    """The cost of each call."""
    return [(i * prices.tokens_in + o * prices.tokens_out) / 1e6 for i, o in zip(read, written, strict=True)]


def thousand(name: str, costs: Sequence[float], groups: Sequence[str], unit: str) -> Estimate:
    """Cost of a thousand calls: t over documents or customers."""
    bounds = _mean_bounds(np.asarray(costs), groups)
    value = 1000 * float(np.mean(costs))
    if bounds is None:
        return Estimate(name, value, None, None, len(costs), f"{unit}, one cluster")
    low, high = 1000 * max(0.0, bounds[0]), 1000 * bounds[1]
    return Estimate(name, value, low, high, len(costs), f"{unit}, t over clusters 95%")


def a_right_one(name: str, cost: Estimate, score: Estimate, unit: str) -> Estimate | None:
    """Cost of a right answer (cost-of-pass, arXiv 2504.13359): a call's cost / the score; None where nothing is right.

    The ends join the worst of both intervals, so together they miss with 10 % at most.
    """
    if score.value <= 0 or score.low is None or score.high is None or cost.low is None or cost.high is None:
        return None
    high = cost.high / 1000 / score.low if score.low > 0 else None
    low = cost.low / 1000 / score.high
    return Estimate(name, cost.value / 1000 / score.value, low, high, score.n, f"{unit}, both intervals joined, 90%")


def break_even(
    costs: Sequence[float], tuned: Sequence[float], groups: Sequence[str], setup: float, unit: str
) -> Estimate | None:
    """Calls from which on the tune is the cheaper one: its set-up cost / what a call saves; None where it saves nothing.

    ``high`` None: a saving of nothing is within the interval, so no number of calls is surely enough.
    """
    saved = np.asarray(costs) - np.asarray(tuned)
    bounds, value = _mean_bounds(saved, groups), float(saved.mean())
    if setup <= 0 or value <= 0 or bounds is None:
        return None
    low, high = bounds
    method = f"set-up {setup:g} {unit} / saving a call, t over clusters 95%"
    return Estimate("break-even volume", setup / value, setup / high, setup / low if low > 0 else None, len(saved), method)


def _mean_bounds(values: Floats, groups: Sequence[str]) -> tuple[float, float] | None:
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    m, n = int(numbers.max()) + 1, len(values)
    if m < 2:
        return None
    left = np.bincount(numbers, weights=values - values.mean()) / n
    half = float(stdtrit(m - 1, 0.975)) * float(np.sqrt((left**2).sum() * m / (m - 1)))
    return float(values.mean()) - half, float(values.mean()) + half
