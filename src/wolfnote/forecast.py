"""What a run would take, as a ``Result``: kind "plan", verdict NOT RUN. Each room counts its own work; this file words it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wolfnote.results import Estimate, Result, Skipped, Verdict

DRY = "a dry run: nothing was read by a model"


class Span(NamedTuple):
    """A guess and how far off it may be, in whatever unit."""

    value: float
    low: float
    high: float

    def plus(self, other: Span) -> Span:
        """The sum of two guesses that may both be off in the same direction."""
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Span:
        """The guess and its ends, scaled."""
        return Span(self.value * factor, self.low * factor, self.high * factor)


class Prices(NamedTuple):
    """What a server charges for a million tokens, in and out, in the user's currency."""

    tokens_in: float
    tokens_out: float


def exactly(value: float) -> Span:
    """A span for what was counted."""
    return Span(value, value, value)


def plan(
    estimates: Iterable[Estimate],
    *,
    hosts: Sequence[str] = (),
    unknown: Iterable[Skipped] = (),
    notes: Iterable[str] = (),
    parts: Iterable[Result] = (),
) -> Result:
    """The plan: what was counted and timed, who would be contacted, and what cannot be told beforehand."""
    contacts = "it would contact " + (", ".join(sorted(set(hosts))) if hosts else "no host beyond this machine")
    return Result(
        "plan", Verdict.NOT_RUN, (DRY, contacts, *notes), tuple(estimates), skipped=tuple(unknown), parts=tuple(parts)
    )


def counted(name: str, count: float, method: str = "counted") -> Estimate:
    """A number that is known beforehand."""
    return Estimate(name, float(count), None, None, 1, method)


def minutes(seconds: Span, tested: float) -> Estimate:
    """Wall-clock time on this machine, from a speed test that took ``tested`` seconds."""
    found = seconds.times(1 / 60)
    return Estimate("minutes", *found, 1, f"from a speed test of {tested:.0f} s on this machine")


def money(tokens_in: float, tokens_out: float, prices: Prices | None, remote: bool) -> Estimate | Skipped:
    """What a server would charge; 0 where no server is asked, and not known where no price is set."""
    if not remote:
        return counted("money", 0, "this machine computes")
    if prices is None:
        return Skipped("money", "no price is set: remote.price_in and remote.price_out, for a million tokens")
    most = (tokens_in * prices.tokens_in + tokens_out * prices.tokens_out) / 1e6
    least = tokens_in * prices.tokens_in / 1e6
    return Estimate("money", most, least, most, 1, "tokens × price; at most, if every answer is as long as allowed")


def disk(size: float, method: str) -> Estimate:
    """Room the run folder takes, in megabytes; ``size`` in bytes."""
    return counted("disk, MB", round(size / 1e6, 3), method)


def told(estimates: Iterable[Estimate | Skipped]) -> tuple[list[Estimate], list[Skipped]]:
    """What is known and what is not, apart."""
    every = list(estimates)
    return [e for e in every if isinstance(e, Estimate)], [s for s in every if isinstance(s, Skipped)]


def minutes_of(part: Result) -> Span | None:
    """The minutes of a part of a larger plan, or None where it could not tell."""
    for estimate in part.estimates:
        if estimate.name == "minutes" and estimate.low is not None and estimate.high is not None:
            return Span(estimate.value, estimate.low, estimate.high)
    return None
