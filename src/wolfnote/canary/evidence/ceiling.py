"""Is a rate above a ceiling? Null: of the units so far unjudged, no more than ``tolerated`` are expected to be flagged.

A unit that is added unflagged and flagged at a later turn is at no moment counted for more than it comes to in the end, so a
look in between is no worse than one at the end. Units that no judge could read count as unflagged: the claim is about flags.
"""

from __future__ import annotations

from functools import lru_cache
from math import lgamma, log, log1p

from wolfnote.canary.evidence import mixture

BETS = 12
HIGHEST = 0.9
BELOW = (0.0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Bets of ``below`` as parts of the rate that is promised; 0 loses all at the first flag."""
HALVINGS = 60


def above(flagged: int, units: int, tolerated: float) -> float:
    """log E against "at most ``tolerated``"; the rate is above it when this ever reaches log(1/α)."""
    _check(flagged, units)
    return mixture.log_mean([mixture.binary(flagged, units - flagged, bet, tolerated) for bet in grid(tolerated)])


def below(flagged: int, units: int, promised: float) -> float:
    """log E against "at least ``promised``"; the rate is below it when this ever reaches log(1/α)."""
    _check(flagged, units)
    bets = [part * promised for part in BELOW]
    return mixture.log_mean([mixture.binary(flagged, units - flagged, bet, promised) for bet in bets])


@lru_cache(maxsize=64)
def grid(tolerated: float) -> tuple[float, ...]:
    """The rates that ``above`` bets on, from twice what is tolerated to nearly all."""
    return mixture.geometric(2 * tolerated, HIGHEST, BETS)


def interval(flagged: int, units: int, error: float) -> tuple[float, float]:
    """Bounds that hold the rate at all looks together, but for probability ``error`` (Robbins 1970; Jeffreys mixture)."""
    _check(flagged, units)
    if units == 0:
        return 0.0, 1.0
    limit = -log(error)
    centre = flagged / units
    low = 0.0 if flagged == 0 else _crossing(flagged, units, limit, 0.0, centre)
    high = 1.0 if flagged == units else _crossing(flagged, units, limit, 1.0, centre)
    return low, high


def _crossing(flagged: int, units: int, limit: float, outer: float, inner: float) -> float:
    """Between ``outer`` (refuted) and ``inner`` (not), the last refuted rate: the interval is never too narrow."""
    mixed = _log_beta(flagged + 0.5, units - flagged + 0.5) - _log_beta(0.5, 0.5)
    for _ in range(HALVINGS):
        middle = (outer + inner) / 2
        if middle in (0.0, 1.0) or mixed - flagged * log(middle) - (units - flagged) * log1p(-middle) >= limit:
            outer = middle
        else:
            inner = middle
    return outer


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _check(flagged: int, units: int) -> None:
    if not 0 <= flagged <= units:
        raise ValueError(f"{flagged} of {units} is not a share")
