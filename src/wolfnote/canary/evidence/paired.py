"""Is the canary flagged where stable is not, more often than the other way round? McNemar's test, at every pair.

Null: of pairs in which one answer is flagged, the canary's is with probability one half at most, whatever came before. No rate
need be known: neither the traffic's nor the judges' false alarms, which fall on both answers alike.
"""

from __future__ import annotations

from wolfnote.canary.evidence import mixture

BETS = (0.55, 0.6, 0.7, 0.8, 0.9, 0.97)
"""The canary's part of discordant pairs that each bet expects."""


def above(canary_only: int, stable_only: int) -> float:
    """log E against "no more often than stable"; 12 to 14 pairs, all one way, reach 1000."""
    return mixture.log_mean([mixture.binary(canary_only, stable_only, bet, 0.5) for bet in BETS])
