"""E-values as bets on a fixed grid: the mean of what each bet has made of one unit of money.

Where the null holds, no bet is expected to win, whatever came before; so the chance that the mean ever reaches 1/α at most α,
however often one looks (Ville 1939; Ramdas, Grünwald, Vovk & Shafer, arXiv 2210.01948). Each bet's gain is a sum over
observations: it depends on counts only, not on their order, and replicas merge by adding counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, inf, log


def log_mean(logs: Sequence[float]) -> float:
    """log of the mean of exp(logs). Raises ``ValueError`` for none."""
    return log_weighted(logs, [1 / len(logs)] * len(logs)) if logs else _nothing()


def log_weighted(logs: Sequence[float], weights: Sequence[float]) -> float:
    """log Σ w exp(l), where one bet may have lost all (−inf). ``weights`` are positive."""
    top = max(logs)
    if top == -inf:
        return -inf
    return top + log(fsum(w * exp(value - top) for value, w in zip(logs, weights, strict=True)))


def binary(wins: int, losses: int, bet: float, fair: float) -> float:
    """log gain of the bet that a rate is ``bet`` where the null's is ``fair``; both in (0, 1) but ``bet`` may be 0."""
    if bet == 0 and wins:
        return -inf
    won = wins * log(bet / fair) if wins else 0.0
    return won + losses * log((1 - bet) / (1 - fair))


def geometric(first: float, last: float, n: int) -> tuple[float, ...]:
    """``n`` numbers from ``first`` to ``last``, each the same multiple of the one before."""
    ratio = (last / first) ** (1 / (n - 1))
    return tuple(first * ratio**k for k in range(n))


def _nothing() -> float:
    raise ValueError("a mean of nothing")
