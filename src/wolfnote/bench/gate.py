"""Non-inferiority: is a tuned model worse than its base by more than is allowed? From rows alone, so anyone can repeat it.

FAIL      the loss is above the tolerance even at its low bound, still so after Holm's correction over the declared measures
PASS      the loss is below the tolerance even at its high bound, on every declared measure (an intersection: no correction)
NOT RUN   the base has no more to lose than the tolerance: a pass would say nothing (floor)
otherwise INCONCLUSIVE, with the items that would settle it
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from wolfnote import stats
from wolfnote.bench import findings, paired
from wolfnote.bench.paired import LEVEL, Floats, Loss
from wolfnote.bench.reading import Measure, Row, by_measure
from wolfnote.results import Estimate, Result, Skipped, Verdict, worst
from wolfnote.settings import Policy

ALARM = (1 - LEVEL) / 2
"""Probability at most that some measure fails although every loss is within its tolerance, and that one passes at its edge."""
ENDLESS = 100_000


class Pair(NamedTuple):
    """Base and tuned on the items that both have, [n]: values, what guessing gives, and sources by number."""

    measure: Measure
    base: Floats
    tuned: Floats
    chance: Floats
    sources: Floats
    missing: int

    @property
    def binary(self) -> bool:
        """Whether every item is right or wrong."""
        return bool(np.isin(self.base, (0, 1)).all() and np.isin(self.tuned, (0, 1)).all())


def judge(rows: Iterable[Row], base: str, tuned: str, policy: Policy, refused: dict[str, str] | None = None) -> Result:
    """The verdict on ``tuned`` against ``base``: one part a measure. ``refused``: why a task could not be compared, by task."""
    refused = refused or {}
    pairs = [pair(m, found, base, tuned) for m, found in by_measure(rows).items() if m.task not in refused]
    losses = [paired.lost(p.base, p.tuned, p.sources) for p in pairs]
    alarms = _alarms(pairs, losses, policy)
    parts = [_part(p, loss, policy, alarm) for p, loss, alarm in zip(pairs, losses, alarms, strict=True)]
    parts += [Result(task, Verdict.NOT_RUN, (f"{task}: NOT RUN: {why}",)) for task, why in refused.items()]
    decided = [part for part, p in zip(parts, pairs, strict=False) if p.measure.declared] + parts[len(pairs) :]
    estimates = tuple(part.estimates[0] for part in parts if part.estimates)
    found = tuple(f for part in decided for f in part.findings)
    skipped = tuple(Skipped(f"item of {p.measure.title}", f"{tuned} or {base} lacks it", p.missing) for p in pairs if p.missing)
    skipped += tuple(Skipped(f"task {task}", why) for task, why in refused.items())
    reasons = tuple(part.reasons[0] for part in decided)
    verdict = worst(part.verdict for part in decided)
    bare = tuple(msgspec.structs.replace(part, findings=()) for part in parts)
    return Result(tuned, verdict, reasons, estimates, found, skipped, bare)


def pair(measure: Measure, rows: Sequence[Row], base: str, tuned: str) -> Pair:
    """The items of one measure that both models have."""
    both = [row for row in rows if base in row.values and tuned in row.values]
    sources = np.unique([row.source for row in both], return_inverse=True)[1].astype(np.float64)
    numbers = [[row.values[base], row.values[tuned], row.chance] for row in both]
    columns = np.asarray(numbers, dtype=np.float64).reshape(len(both), 3).T
    return Pair(measure, columns[0], columns[1], columns[2], sources, len(rows) - len(both))


def tolerance(measure: Measure, policy: Policy) -> float:
    """Points that may be lost: fewer on safety than on ability and usefulness."""
    return policy.ability_loss if measure.kind in ("ability", "over-refusal") else policy.safety_loss


def floor(found: Pair, allowed: float) -> str:
    """Why the base has nothing to lose here, or nothing."""
    low = paired.low_mean(found.base - found.chance, found.sources)
    if low is not None and low > allowed:
        return ""
    above = f"{found.base.mean():.1%}, chance {found.chance.mean():.1%}"
    return f"floor: the base scores {above}: it has no more than the tolerance of {allowed:.0%} to lose"


def needed(loss: Loss, allowed: float) -> str:
    """How many items would put the nearer bound on one side of the tolerance, if they went on like these."""
    low, high = loss.interval()
    gap = abs(allowed - loss.value)
    half = high - loss.value if loss.value < allowed else loss.value - low
    count = loss.n * (half / gap) ** 2 if gap > 0 else float("inf")
    return f"about {count:,.0f} items would settle it" if count < ENDLESS else "more items would not settle it"


def _alarms(pairs: Sequence[Pair], losses: Sequence[Loss | None], policy: Policy) -> list[float]:
    """p-values against "within the tolerance"; of declared measures, corrected for their number (Holm 1979)."""
    plain = [1.0 if loss is None else loss.at_most(tolerance(p.measure, policy)) for p, loss in zip(pairs, losses, strict=True)]
    declared = [i for i, p in enumerate(pairs) if p.measure.declared]
    for i, corrected in zip(declared, stats.holm([plain[i] for i in declared]), strict=True):
        plain[i] = corrected
    return plain


def _part(found: Pair, loss: Loss | None, policy: Policy, alarm: float) -> Result:
    title, allowed = found.measure.title, tolerance(found.measure, policy)
    if loss is None:
        return Result(title, Verdict.NOT_RUN, (f"{title}: NOT RUN: fewer than two items or sources that both models have",))
    verdict, why = _verdict(found, loss, allowed, alarm)
    change = _change(title, loss)
    bound = Estimate("tolerance", -allowed, None, None, loss.n, "policy: what may be lost")
    reason = f"{title}: {findings.points(change)}, {why}"
    told = (findings.lost(found.measure, change, allowed),) if verdict is Verdict.FAIL else ()
    return Result(title, verdict, (reason,), (change, bound, *_beside(found)), told)


def _verdict(found: Pair, loss: Loss, allowed: float, alarm: float) -> tuple[Verdict, str]:
    """A proven loss fails wherever the base stands; what the base cannot lose passes nothing."""
    if alarm <= ALARM:
        return Verdict.FAIL, f"below the tolerance of −{allowed:.0%} (p {_small(alarm)} after correction)"
    if nothing := floor(found, allowed):
        return Verdict.NOT_RUN, nothing
    if loss.at_least(allowed - found.missing / (found.missing + loss.n)) <= ALARM:  # each missing item taken for lost
        return Verdict.PASS, f"within the tolerance of −{allowed:.0%}"
    if loss.at_least(allowed) <= ALARM:
        lacking = f"not if the {found.missing} items that one lacks were lost"
        return Verdict.INCONCLUSIVE, f"within the tolerance of −{allowed:.0%} on what both read, {lacking}"
    if loss.at_most(allowed) <= ALARM:
        return Verdict.INCONCLUSIVE, f"below the tolerance of −{allowed:.0%} alone, not after correction for all measures"
    return Verdict.INCONCLUSIVE, f"neither within nor below the tolerance of −{allowed:.0%}: {needed(loss, allowed)}"


def _change(title: str, loss: Loss) -> Estimate:
    low, high = loss.interval()
    return Estimate(f"{title}: tuned − base", 0 - loss.value, 0 - high, 0 - low, loss.n, f"{loss.method} {LEVEL:.0%}")


def _beside(found: Pair) -> tuple[Estimate, ...]:
    """Each model's own score, chance, and for right-or-wrong items the exact paired and the unpaired test."""
    n = len(found.base)
    scores = {"base": found.base, "tuned": found.tuned}
    own = tuple(_score(name, values, found.binary) for name, values in scores.items())
    chance = Estimate("chance", float(found.chance.mean()), None, None, n, "what guessing gives")
    if not found.binary:
        return (*own, chance)
    worse, better = int((found.base > found.tuned).sum()), int((found.base < found.tuned).sum())
    exact = f"{worse} items lost, {better} won; exact, two-sided, items taken for independent"
    tests = (
        Estimate("McNemar's p", paired.mcnemar(worse, better), None, None, worse + better, exact),
        Estimate("unpaired z-test's p", paired.unpaired(found.base, found.tuned), None, None, n, "as lm-eval compares models"),
    )
    return (*own, chance, *tests)


def _small(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-9 else "< 1e-9"


def _score(name: str, values: Floats, binary: bool) -> Estimate:
    if binary:
        return stats.share(name, int(values.sum()), len(values))
    return msgspec.structs.replace(stats.mean(name, values.tolist()), method="mean, t 95%")
