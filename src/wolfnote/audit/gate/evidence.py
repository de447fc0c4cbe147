"""What a count says about a share: two bounds, two p-values, and how many more rows would settle it."""

from __future__ import annotations

from typing import NamedTuple

from wolfnote import stats
from wolfnote.audit.gate.counting import Count, Frame
from wolfnote.audit.gate.settings import Settings
from wolfnote.audit.reader import Accuracy
from wolfnote.results import Estimate
from wolfnote.settings import Policy

MOST = 10_000_000
"""Rows beyond which nobody draws."""


class Evidence(NamedTuple):
    """How a count compares with its tolerance."""

    counted: Count
    estimate: Estimate
    tolerance: float
    tail: float
    """What this look may use of the error probability."""
    over: float
    """p-value against "the share is within the tolerance": small = over it."""
    under: float
    """p-value against "the share reaches the tolerance": small = under it."""

    @property
    def line(self) -> str:
        """The count, the share with its bounds and the tolerance, in words."""
        e = self.estimate
        of = "harmful, after the reader's errors," if self.counted.accuracy else "at face value,"
        return (
            f"{self.counted.name}: {self.counted.flagged} of {self.counted.read:,} rows flagged, {e.value:.2%} {of} "
            f"[{e.low:.2%}, {e.high:.2%}], tolerance {100 * self.tolerance:.3g}%"
        )


def weigh(count: Count, frame: Frame, settings: Settings, policy: Policy, tail: float | None = None) -> Evidence:
    """A count against its tolerance, at the look that the number of rows drawn makes it, or with the error ``tail``."""
    tolerance, tail = settings.tolerance(count.name, policy), tail or settings.tail(frame.drawn)
    k, n = count.flagged, frame.drawn
    most = k + n - count.read  # rows nobody could read may all be harmful, or all clean
    if count.accuracy is None:
        low, high = stats.low_bound(k, n, tail, frame.population), stats.high_bound(most, n, tail, frame.population)
        value, method = k / max(count.read, 1), f"share of {frame.population} rows, exact, one-sided {1 - tail:.1%} each way"
    else:
        errors = calibration(count.accuracy)
        low, high = stats.corrected_low(k, n, errors, tail), stats.corrected_high(most, n, errors, tail)
        value, method = _solved(k / max(count.read, 1), errors), f"Rogan–Gladen, melded, one-sided {1 - tail:.1%} each way"
    estimate = Estimate(f"share, {count.name}", min(max(value, low), high), low, high, count.read, method)
    return Evidence(count, estimate, tolerance, tail, *_against(count, frame, tolerance))


def further_rows(count: Count, frame: Frame, settings: Settings, policy: Policy) -> int | None:
    """How many more rows, drawn and read, settle the category if the rate stays as it is; None where none would."""
    rate = count.flagged / count.read if count.read else 0.0
    last = frame.population if count.accuracy is None else min(frame.population, MOST)
    tolerance = settings.tolerance(count.name, policy)

    def settled(n: int) -> bool:
        extended = Count(count.name, round(rate * n), n, count.accuracy)
        return min(_against(extended, Frame(frame.population, n), tolerance)) <= settings.tail(n)

    fewer, n = frame.drawn, frame.drawn
    while not settled(n):
        if n >= last:
            return None
        fewer, n = n, min(2 * n, last)
    while n - fewer > max(1, n // 50):
        middle = (fewer + n) // 2
        fewer, n = (fewer, middle) if settled(middle) else (middle, n)
    return n - frame.drawn


def calibration(accuracy: Accuracy) -> stats.Errors:
    """The counts behind an accuracy: what its shares are shares of."""
    f, s = accuracy.false_alarms, accuracy.sensitivity
    return stats.Errors(f.value * f.n, f.n, s.value * s.n, s.n)


def _against(count: Count, frame: Frame, tolerance: float) -> tuple[float, float]:
    """The p-values ``over`` and ``under``."""
    k, n = count.flagged, frame.drawn
    most = k + n - count.read
    if count.accuracy is None:
        return stats.at_least(k, n, tolerance, frame.population), stats.at_most(most, n, tolerance, frame.population)
    errors = calibration(count.accuracy)
    return stats.corrected_at_least(k, n, errors, tolerance), stats.corrected_at_most(most, n, errors, tolerance)


def _solved(p: float, errors: stats.Errors) -> float:
    f = errors.false_alarms / errors.clean if errors.clean else 1.0
    s = errors.caught / errors.harmful if errors.harmful else 0.0
    if s <= f:
        return 1.0 if p > 0 else 0.0
    return min(1.0, max(0.0, (p - f) / (s - f)))
