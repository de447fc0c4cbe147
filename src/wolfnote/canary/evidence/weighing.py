"""All that the counts say about a canary, against the limits accepted at launch. Gateway and ``replay`` both call this.

harm        E = 0.4 ceiling + 0.4 paired + 0.2 score. Reaches 1/error, ever, with probability ``error`` at most while the canary
            keeps every one of the three: a rollback.
pauses      features, abstentions and the split, each at its part of ``pause_error``: a hold, unless accepted.
promise     E against "flagged in at least so many": what a promotion needs.
change      the watch for a late change, which runs from the promotion on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp, fsum, inf, log

import msgspec

from wolfnote.canary.assignment import Arm
from wolfnote.canary.evidence import ceiling, change, mixture, paired, score, split
from wolfnote.canary.settings import Limits
from wolfnote.results import Estimate

WEIGHTS = (0.4, 0.4, 0.2)
"""Of ceiling, paired and score."""
PROMISE = 1000.0
"""E that a promotion needs: wrong once in a thousand."""


class Pause(msgspec.Struct, frozen=True):
    """A test whose crossing is a hold. ``crossed`` once log E ≥ ``limit``; ``value`` is what it looks at, in plain numbers."""

    name: str
    log_e: float
    limit: float
    value: float
    tolerance: float
    weird: bool = False

    @property
    def crossed(self) -> bool:
        """Whether it is refuted that the canary keeps to the tolerance."""
        return self.log_e >= self.limit


class Evidence(msgspec.Struct, frozen=True):
    """The logs of E-values and their limits; −inf never occurs here, so that JSON carries all of it exactly."""

    ceiling: float
    paired: float
    score: float
    harm: float
    limit: float
    """log(1/error): at ``harm`` ≥ this the canary goes."""
    promise: float | None
    """None: every bet was lost or nothing is known."""
    promise_limit: float
    change: float
    """log(mean M + 1) of the watch; at ``change_limit`` the promoted canary goes."""
    change_limit: float
    pairs: int
    units: int
    pauses: tuple[Pause, ...] = ()

    @property
    def harmful(self) -> bool:
        """Whether the canary is refuted to keep within its limits of harm."""
        return self.harm >= self.limit

    @property
    def changed(self) -> bool:
        """Whether the watch for a late change alarms."""
        return self.change >= self.change_limit

    @property
    def promised(self) -> bool:
        """Whether there is evidence enough for a promotion."""
        return self.promise is not None and self.promise >= self.promise_limit

    @property
    def why(self) -> str:
        """One line for a person: what crossed, or how far it is."""
        parts = (("ceiling", self.ceiling), ("paired", self.paired), ("score", self.score))
        shown = ", ".join(f"{name} {as_e(value)}" for name, value in parts)
        verb = "reached" if self.harmful else "of"
        return f"E = {as_e(self.harm)} {verb} {as_e(self.limit)} ({shown}) after {self.units} conversations, {self.pairs} pairs"


NOTHING: dict[str, float] = {}


def weigh(counts: Mapping[str, int], watch: change.Watch, limits: Limits, accepted: Mapping[str, float] = NOTHING) -> Evidence:
    """The evidence in ``counts``. Pure, and the same on every machine that adds the same floats.

    ``accepted``: what a person tolerates of a feature beside the limits (``State.accepted``).
    """
    units, flagged = counts.get("canary.units", 0), counts.get("canary.flagged", 0)
    three = (
        ceiling.above(flagged, units, limits.tolerated),
        paired.above(counts.get("only:canary", 0), counts.get("only:stable", 0)),
        score.above(histogram(counts, "score"), limits.drop),
    )
    unread = flagged + counts.get("canary.abstained", 0)
    promise = ceiling.below(min(unread, units), units, limits.promised)
    return Evidence(
        *three,
        harm=mixture.log_weighted(three, WEIGHTS),
        limit=log(1 / limits.error),
        promise=None if promise == -inf else promise,
        promise_limit=log(PROMISE),
        change=watch.level,
        change_limit=log(limits.patience + 1),
        pairs=counts.get("pairs", 0),
        units=units,
        pauses=tuple(pauses(counts, limits, accepted)),
    )


def pauses(counts: Mapping[str, int], limits: Limits, accepted: Mapping[str, float] = NOTHING) -> Iterator[Pause]:
    """Every test of a pause, at its part of ``pause_error``: half for features (each way), half for the other three."""
    units, unread = counts.get("canary.units", 0), counts.get("canary.flagged", 0) + counts.get("canary.abstained", 0)
    three = log(6 / limits.pause_error)
    rate = min(unread, units) / units if units else 0.0
    yield Pause("unread", ceiling.above(min(unread, units), units, limits.abstentions), three, rate, limits.abstentions)
    more, less = counts.get("abstained:canary", 0), counts.get("abstained:stable", 0)
    yield Pause("abstentions", paired.above(more, less), three, more / (more + less or 1), 0.5)
    away = split.away(counts)
    yield Pause("split", away, three, _realised(counts), 0.0)
    each = log(4 * max(1, len(limits.weird)) / limits.pause_error)
    for feature, tolerance in sorted(limits.weird.items()):
        for way in ("more", "less"):
            cells = histogram(counts, f"{way} {feature}")
            allowed = max(tolerance, accepted.get(f"{way} {feature}", 0.0))
            yield Pause(f"{way} {feature}", score.above(cells, allowed), each, score.average(cells), allowed, weird=True)


def histogram(counts: Mapping[str, int], name: str) -> dict[int, int]:
    """Hundredths → how many, of the counts that begin with ``name:``."""
    prefix = f"{name}:"
    return {int(key.removeprefix(prefix)): many for key, many in counts.items() if key.startswith(prefix)}


def estimates(counts: Mapping[str, int], limits: Limits) -> tuple[Estimate, ...]:
    """Rates of flags and abstentions with intervals that hold at all looks together."""
    found = []
    for arm in Arm:
        units = counts.get(f"{arm}.units", 0)
        for what in ("flagged", "abstained"):
            many = min(units, counts.get(f"{arm}.{what}", 0))
            low, high = ceiling.interval(many, units, limits.error)
            method = f"share of conversations, {1 - limits.error:.1%} at all looks"
            found.append(Estimate(f"{arm} {what}", many / units if units else 0.0, low, high, units, method))
    return tuple(found)


def as_e(value: float) -> str:
    """E for a person, from its log: 1 means nothing yet."""
    return f"{exp(value):.3g}" if -20 < value < 300 else f"exp({value:.0f})"


def _realised(counts: Mapping[str, int]) -> float:
    """The canary's part of new conversations minus what it was meant to be."""
    cells = sorted(split.realised(counts).items())
    total = sum(canary + stable for _, (canary, stable) in cells)
    off = fsum(canary - share * (canary + stable) for share, (canary, stable) in cells)
    return off / total if total else 0.0
