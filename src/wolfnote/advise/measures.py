"""The estimates of each arm, from its rows: score, difference to the best, groundedness, latency, cost, alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wolfnote import stats
from wolfnote.advise import comparison, cost
from wolfnote.advise.arms import Arm
from wolfnote.advise.choosing import Choice
from wolfnote.advise.comparison import Drawn
from wolfnote.advise.evidence import Evidence, Row
from wolfnote.advise.settings import Settings
from wolfnote.results import Estimate, Result, Verdict

COST, RIGHT = "cost of a thousand", "cost of a right answer"


def parts(evidence: Evidence, drawn: Drawn, choice: Choice, settings: Settings) -> list[Result]:
    """One part an arm. PASS: not inferior to the best; FAIL: the probe failed, or surely not the best and seems inferior."""
    return [_part(evidence, drawn, choice, settings, i, arm) for i, arm in enumerate(evidence.arms)]


def whole(evidence: Evidence, choice: Choice, settings: Settings) -> list[Estimate]:
    """What is no one arm's: recall of retrieval, and the volume at which the tune pays for itself."""
    found = [row for row in evidence.items if row["found"] is not None]
    told = []
    if found:
        told.append(_clustered(f"recall@{settings.passages}", [float(row["found"]) for row in found], _groups(found)))
    names = {arm.name for arm in evidence.arms}
    other = choice.chosen if choice.chosen and choice.chosen != "tuned" else ""
    if "tuned" in names and other:
        pair = [_costs(evidence, name) for name in (other, "tuned")]
        pays = cost.break_even(pair[0], pair[1], _groups(evidence.items), settings.tuning_cost, evidence.tariff.unit)
        told += [pays] if pays else []
    return told


def _part(evidence: Evidence, drawn: Drawn, choice: Choice, settings: Settings, i: int, arm: Arm) -> Result:
    low, high = comparison.interval(drawn, i)
    method = f"mean, t over {drawn.clusters} clusters 95%"
    score = Estimate("score", float(drawn.means[i]), low, high, drawn.n, method)
    unit = evidence.tariff.unit
    thousand = cost.thousand(COST, _costs(evidence, arm.name), _groups(evidence.items), unit)
    told: list[Estimate | None] = [
        score,
        _difference(arm.name, choice, drawn),
        thousand,
        cost.a_right_one(RIGHT, thousand, score, unit),
        *latencies(evidence.seconds.get(arm.name, ())),
        _mean_of(evidence.items, "grounded", "groundedness", arm.name),
        _declining(evidence.items, arm.name),
    ]
    found = evidence.alignment.get(arm.name)
    shift = found.shift if found else None
    verdict, why = _standing(arm.name, choice, settings, found.verdict if found else None)
    reasons = (f"{arm.name}: {why}", *([f"alignment: {found.verdict.value}: {found.reason}"] if found else []))
    return Result(arm.name, verdict, reasons, tuple(e for e in (*told, shift) if e is not None))


def latencies(seconds: Sequence[float]) -> list[Estimate]:
    """p50 and p95 of single calls, seconds, with bounds by order statistics; None where too few calls reach that far."""
    if not seconds:
        return []
    every = sorted(seconds)
    return [_quantile("latency p50", every, 0.5), _quantile("latency p95", every, 0.95)]


def _quantile(name: str, every: Sequence[float], q: float) -> Estimate:
    """``every`` in order. The k-th smallest is below the quantile with probability P(at least k of n are below it)."""
    n = len(every)
    tails = [stats.at_least(k, n, q) for k in range(1, n + 1)]
    low = max((k for k in range(n) if tails[k] >= 0.975), default=None)
    high = min((k for k in range(n) if tails[k] <= 0.025), default=None)
    ends = (None if low is None else every[low], None if high is None else every[high])
    return Estimate(name, float(np.quantile(np.asarray(every), q)), *ends, n, "seconds a call, order statistics 95%")


def _standing(name: str, choice: Choice, settings: Settings, alignment: Verdict | None) -> tuple[Verdict, str]:
    if alignment is Verdict.FAIL:
        return Verdict.FAIL, "fails the probe"
    bounds = choice.best[name]
    if bounds.low >= -settings.tolerance:
        return Verdict.PASS, f"not inferior to the best by more than {settings.tolerance:.0%}"
    if bounds.high <= 0 and bounds.value < -settings.tolerance:
        return Verdict.FAIL, "not the best, and by its estimate inferior"
    wanted = choice.wanted.get(name)
    more = f": about {wanted:,.0f} items would tell" if wanted else ""
    return Verdict.INCONCLUSIVE, f"cannot be told from the best{more}"


def _difference(name: str, choice: Choice, drawn: Drawn) -> Estimate | None:
    bounds = choice.best.get(name)
    if bounds is None:
        return None
    method = f"bootstrap over {drawn.clusters} clusters, simultaneous with the best 95%"
    return Estimate("minus the best other", bounds.value, bounds.low, bounds.high, drawn.n, method)


def _costs(evidence: Evidence, name: str) -> list[float]:
    tuned = next(arm.tuned for arm in evidence.arms if arm.name == name)
    read, written = ([int(row[key][name]) for row in evidence.items] for key in ("in", "out"))
    return cost.calls(read, written, evidence.tariff.of(tuned))


def _groups(rows: Sequence[Row]) -> list[str]:
    return [str(row["group"]) for row in rows]


def _mean_of(rows: Sequence[Row], key: str, name: str, arm: str) -> Estimate | None:
    told = [row for row in rows if row[key].get(arm) is not None]
    return _clustered(name, [float(row[key][arm]) for row in told], _groups(told)) if told else None


def _declining(rows: Sequence[Row], arm: str) -> Estimate | None:
    """How often it declines where it should and answers where it should; only where some item should be declined."""
    if not any(row["refuse"] for row in rows):
        return None
    right = [float(bool(row["declined"][arm]) == bool(row["refuse"])) for row in rows]
    return _clustered("declines rightly", right, _groups(rows))


def _clustered(name: str, values: Sequence[float], groups: Sequence[str]) -> Estimate:
    drawn = comparison.draw(np.asarray([values], dtype=np.float64), groups, resamples=0)
    if drawn.clusters < 2:
        return Estimate(name, float(drawn.means[0]), None, None, len(values), "mean, one cluster")
    low, high = comparison.interval(drawn, 0)
    return Estimate(name, float(drawn.means[0]), low, high, len(values), f"mean, t over {drawn.clusters} clusters 95%")


def row_of(estimates: Sequence[Estimate], name: str) -> dict[str, Any]:
    """One estimate as plain values, for ``decision.json``."""
    return next(({"value": e.value, "low": e.low, "high": e.high, "n": e.n} for e in estimates if e.name == name), {})
