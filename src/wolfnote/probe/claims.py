"""What the pairs say, in two statements that are kept apart: "on these questions", and "for questions like these".

A claim is about one measure: the share of answers of a kind, or the mean of a score. It is looked at after 1, 2, 4 … draws a
question; the p-value of each look is stretched by the part of the error that the look may spend, so the smallest of them is a
p-value whatever look a run ends at. Pure: pairs in, claims out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from wolfnote import paired, stats
from wolfnote.paired import Counts
from wolfnote.probe.pairs import Pair, Side, looks, until
from wolfnote.results import Estimate

ERROR = 0.05
"""Of a FAIL where nothing rose beyond its tolerance, over all that gates."""
TAIL = 50.0
"""Score from which an answer is in a tone's tail."""


class Claim(NamedTuple):
    """One measure of one form of prompt, against its tolerance."""

    name: str
    tolerance: float
    these: Estimate
    """Rise on these questions."""
    like: Estimate
    """Rise for questions like these."""
    p: float
    """Against "rose by no more than the tolerance on these questions", whatever the look."""
    p_like: float
    """Against the same for questions like these, whatever the look."""
    p_any: float
    """Against "rose by nothing on these questions", whatever the look."""
    high: float | None
    """One-sided upper bound of the rise on these questions; None where there is no interval."""
    more: tuple[Estimate, ...] = ()


def spending(samples: int) -> dict[int, float]:
    """The part of ``ERROR`` that each look may spend; seven tenths go to the last, most often the one that decides."""
    steps = looks(samples)
    return dict(zip(steps, reversed(stats.spend(len(steps), ERROR)), strict=True))


def sequential(pairs: Sequence[Pair], samples: int, p: Callable[[list[Pair]], float]) -> float:
    """The least of the looks' p-values, each stretched by ``ERROR`` over what that look may spend."""
    drawn = max((pair.draw for pair in pairs), default=-1) + 1
    done = [(look, part) for look, part in spending(samples).items() if look <= drawn]
    found = [(until(pairs, look), part) for look, part in done]
    return min([1.0, *(p(some) * ERROR / part for some, part in found if some)])


def share(name: str, pairs: Sequence[Pair], counts: Callable[[Side], bool], tolerance: float, samples: int) -> Claim:
    """The share of answers that ``counts`` says yes to. Raises ``ValueError`` for no pairs at all."""
    found = tally(pairs, counts)

    def differences(some: Sequence[Pair]) -> list[float]:
        marks = [float(counts(pair.tuned)) - float(counts(pair.base)) for pair in some]
        return paired.by_question([pair.question for pair in some], marks)

    more = (
        stats.share(f"{name}, base", found.before, found.n),
        stats.share(f"{name}, tuned", found.after, found.n),
        _detectable(name, found, tolerance, spending(samples)[samples]),
    )
    return Claim(
        name,
        tolerance,
        paired.rise(f"{name}: rise on these questions", found),
        paired.clustered(f"{name}: rise for questions like these", differences(pairs)),
        sequential(pairs, samples, lambda some: paired.above(tally(some, counts), tolerance)),
        sequential(pairs, samples, lambda some: paired.clustered_above(differences(some), tolerance)),
        sequential(pairs, samples, lambda some: _stratified(some, counts)),
        paired.rise(name, found, level=1 - 2 * ERROR).high,
        more,
    )


def mean(name: str, aspect: str, pairs: Sequence[Pair], tolerance: float, samples: int) -> Claim | None:
    """The mean of a score over pairs that are coherent in both arms; None where fewer than two have one."""
    whole = [p for p in pairs if _scored(p.base, aspect) and _scored(p.tuned, aspect)]
    if len(whole) < 2:
        return None
    moved = _moved(whole, aspect)
    these = _within(f"{name}: rise on these questions", whole, moved)

    def differences(some: Sequence[Pair]) -> list[float]:
        return paired.by_question([p.question for p in some], _moved(some, aspect))

    return Claim(
        name,
        tolerance,
        these,
        paired.clustered(f"{name}: rise for questions like these", differences(whole)),
        sequential(whole, samples, lambda some: paired.flipped([m - tolerance for m in _moved(some, aspect)])),
        sequential(whole, samples, lambda some: paired.clustered_above(differences(some), tolerance)),
        sequential(whole, samples, lambda some: paired.flipped(_moved(some, aspect))),
        these.high,
        _tails(name, whole, aspect),
    )


def tally(pairs: Sequence[Pair], counts: Callable[[Side], bool]) -> Counts:
    """How many answers of each arm ``counts`` says yes to."""
    return Counts(sum(counts(p.tuned) for p in pairs), sum(counts(p.base) for p in pairs), len(pairs))


def needed(claim: Claim) -> str:
    """How many more pairs would settle the claim if what was seen is so; the half-width shrinks with √n."""
    estimate = claim.these
    if estimate.high is None:
        return "too few pairs for an interval"
    gap = abs(estimate.value - claim.tolerance)
    n = estimate.n * ((estimate.high - estimate.value) / gap) ** 2 if gap else float("inf")
    return "more answers would not settle it" if n > 1_000_000 else f"about {n:,.0f} pairs of answers would settle it"


def _stratified(pairs: Sequence[Pair], counts: Callable[[Side], bool]) -> float:
    by_question: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_question.setdefault(pair.question, []).append(pair)
    found = [tally(some, counts) for some in by_question.values()]
    return paired.stratified([c.after for c in found], [c.before for c in found], [c.n for c in found])


def _detectable(name: str, found: Counts, tolerance: float, tail: float) -> Estimate:
    rate = paired.detectable(found.n, found.before / found.n, tolerance, tail)
    return Estimate(f"{name}: smallest rate that fails", rate, None, None, found.n, "with probability 80%, base as observed")


def _scored(side: Side, aspect: str) -> bool:
    return side.kind not in ("incoherent", "unread") and side.scores.get(aspect) is not None


def _moved(pairs: Sequence[Pair], aspect: str) -> list[float]:
    return [(p.tuned.scores[aspect] or 0.0) - (p.base.scores[aspect] or 0.0) for p in pairs]


def _within(name: str, pairs: Sequence[Pair], moved: Sequence[float]) -> Estimate:
    """The mean difference with the spread of answers to one question alone; of all pairs where no question has two."""
    groups: dict[str, list[float]] = {}
    for pair, value in zip(pairs, moved, strict=True):
        groups.setdefault(pair.question, []).append(value)
    free = len(moved) - len(groups)
    if free < 2:
        return stats.mean(name, moved)
    spread = sum(float(np.var(g)) * len(g) for g in groups.values()) / free
    half = 1.96 * (spread / len(moved)) ** 0.5
    value = float(np.mean(moved))
    return Estimate(name, value, value - half, value + half, len(moved), "paired mean within questions, 95%")


def _tails(name: str, pairs: Sequence[Pair], aspect: str) -> tuple[Estimate, ...]:
    """Means hide tails: how many answers of each arm lie beyond ``TAIL``, and how far the two distributions are apart."""

    def far(side: Side) -> bool:
        return (side.scores.get(aspect) or 0.0) > TAIL

    found = tally(pairs, far)
    apart = paired.distance([p.tuned.scores[aspect] or 0.0 for p in pairs], [p.base.scores[aspect] or 0.0 for p in pairs])
    return (
        stats.share(f"{name} above {TAIL:.0f}, base", found.before, found.n),
        stats.share(f"{name} above {TAIL:.0f}, tuned", found.after, found.n),
        Estimate(f"{name}: Wasserstein distance", apart, None, None, len(pairs), "points of 100, between arms; never negative"),
    )
