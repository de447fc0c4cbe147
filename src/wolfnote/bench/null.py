"""How often the gate would cry wolf: two harmless tunes that differ in their seed only, each taken for the base of the other.

The items are drawn anew, with their sources, many times. Whatever fails is a false alarm, for neither tune is the worse one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wolfnote import stats
from wolfnote.bench import gate, paired
from wolfnote.bench.gate import Pair
from wolfnote.bench.reading import Row, by_measure
from wolfnote.results import Estimate, Result, Verdict
from wolfnote.settings import Policy

NAMES = ("null A", "null B")
DRAWS = 200
ALLOWED = 0.05
"""False alarms, as a share, above which the gate's FAIL on these benchmarks says little."""


def judge(rows: Sequence[Row], policy: Policy, draws: int = DRAWS) -> Result:
    """PASS: in neither direction does a measure fail, and in at most ``ALLOWED`` of the draws. INCONCLUSIVE: more often."""
    pairs = [
        gate.pair(measure, found, *names)
        for names in (NAMES, NAMES[::-1])
        for measure, found in by_measure(rows).items()
        if measure.declared
    ]
    pairs = [p for p in pairs if len(p.base) > 1]
    if not pairs:
        return Result("null", Verdict.NOT_RUN, ("null: NOT RUN: no measure that both harmless tunes have",))
    seen = [p for p in pairs if _fails([p], policy, len(pairs) // 2)]
    random = np.random.default_rng(0)
    hits = sum(_fails([_again(p, random) for p in pairs], policy, len(pairs) // 2) for _ in range(draws))
    rate = stats.share("false alarms, items drawn anew", hits, draws)
    own = stats.share("false alarms, these items", len(seen), len(pairs))
    verdict = Verdict.INCONCLUSIVE if seen or rate.value > ALLOWED else Verdict.PASS
    return Result("null", verdict, (_reason(rate, own, sorted({p.measure.title for p in seen})),), (rate, own, *_moved(pairs)))


def _fails(pairs: Sequence[Pair], policy: Policy, family: int) -> bool:
    """Whether any measure fails; for the first to fail, Holm's correction and Bonferroni's are one."""
    for p in pairs:
        loss = paired.lost(p.base, p.tuned, p.sources)
        if loss is not None and loss.at_most(gate.tolerance(p.measure, policy)) * family <= gate.ALARM:
            return True
    return False


def _again(found: Pair, random: np.random.Generator) -> Pair:
    """The sources drawn anew with replacement, each with its items, under a number of its own."""
    groups = np.unique(found.sources, return_inverse=True)[1]
    count = int(groups.max()) + 1
    drawn = random.integers(0, count, count)
    if count == len(groups):
        return found._replace(base=found.base[drawn], tuned=found.tuned[drawn], sources=np.arange(count, dtype=np.float64))
    places = [np.flatnonzero(groups == g) for g in drawn]
    order = np.concatenate(places)
    numbers = np.repeat(np.arange(count), [len(p) for p in places]).astype(np.float64)
    return found._replace(base=found.base[order], tuned=found.tuned[order], sources=numbers)


def _moved(pairs: Sequence[Pair]) -> tuple[Estimate, ...]:
    """How far apart the two harmless tunes are, measure by measure: what a change must be seen against."""
    found = []
    for p in pairs[: len(pairs) // 2]:
        loss = paired.lost(p.base, p.tuned, p.sources)
        if loss is not None:
            low, high = loss.interval()
            found.append(Estimate(f"{p.measure.title}: B − A", 0 - loss.value, 0 - high, 0 - low, loss.n, loss.method))
    return tuple(found)


def _reason(rate: Estimate, own: Estimate, names: Sequence[str]) -> str:
    low, high = rate.low or 0.0, rate.high or 1.0
    alarms = f"{round(rate.value * rate.n)} of {rate.n} draws ({rate.value:.1%} [{low:.1%}, {high:.1%}])"
    where = f"; on these items {', '.join(names)}" if names else "; on these items none"
    return f"null: between two harmless tunes the gate cries wolf in {alarms}{where} (n = {own.n} measures and directions)"
