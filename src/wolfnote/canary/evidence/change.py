"""Did a canary that was good for long turn bad? Shiryaev–Roberts: a bet begins anew at every observation.

M ← (M + 1)·e after each, and alarm when the mean of the bets' M reaches ``patience``. Evidence of good years need not be
used up first. What holds is the mean number of observations to a false alarm (``patience`` at least), not a probability for the
canary's life: e-detectors, Shin, Ramdas & Rinaldo, arXiv 2203.03532. The order matters, so it is the log's.

Pairs step only when one of them is flagged: where nothing is staked, M must not grow.
"""

from __future__ import annotations

from math import exp, log, log1p

import msgspec

from wolfnote.canary.evidence import ceiling, mixture, paired
from wolfnote.canary.evidence.observation import Counted


class Watch(msgspec.Struct, frozen=True):
    """log(M + 1) of each bet: ``rate`` as in ``ceiling``, ``pairs`` as in ``paired``. Steps are counted."""

    rate: tuple[float, ...] = (0.0,) * ceiling.BETS
    pairs: tuple[float, ...] = (0.0,) * len(paired.BETS)
    steps: int = 0

    @property
    def level(self) -> float:
        """log(mean M + 1), the mean over rate and pairs with equal weight."""
        return mixture.log_mean([mixture.log_mean(self.rate), mixture.log_mean(self.pairs)])


def step(watch: Watch, counted: Counted, tolerated: float) -> Watch:
    """The watch after one more observation."""
    rate, pairs = watch.rate, watch.pairs
    if counted.outcome is not None:
        gains = _rate_gains(counted.outcome, tolerated)
        rate = tuple(_next(value, gain) for value, gain in zip(rate, gains, strict=True))
    if counted.discordant is not None:
        gains = [log(2 * bet) if counted.discordant else log(2 * (1 - bet)) for bet in paired.BETS]
        pairs = tuple(_next(value, gain) for value, gain in zip(pairs, gains, strict=True))
    if rate is watch.rate and pairs is watch.pairs:
        return watch
    return Watch(rate, pairs, watch.steps + 1)


def alarms(watch: Watch, patience: float) -> bool:
    """Whether M has reached ``patience`` on average."""
    return watch.level >= log(patience + 1)


def _rate_gains(flagged: bool, tolerated: float) -> list[float]:
    return [mixture.binary(int(flagged), int(not flagged), bet, tolerated) for bet in ceiling.grid(tolerated)]


def _next(value: float, gain: float) -> float:
    """log(M' + 1) from log(M + 1), for M' = (M + 1)·e."""
    total = value + gain
    return total + log1p(exp(-total)) if total > 0 else log1p(exp(total))
