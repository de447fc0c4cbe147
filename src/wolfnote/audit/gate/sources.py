"""Each source by itself, and against the others: one client's legacy shows, though the whole looks clean."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from wolfnote import stats
from wolfnote.audit.gate.counting import ANY, Count, count
from wolfnote.audit.gate.settings import Settings
from wolfnote.results import Estimate, Result, Skipped, Verdict, worst
from wolfnote.settings import Policy


class Source(NamedTuple):
    """What is known of one source: its rows in the draw and in the data."""

    name: str
    counted: Count
    drawn: int
    population: int
    over: float
    """p-value against "its share is within the tolerance"."""
    worse: float
    """p-value against "it has no more flagged rows than its part of the draw" (Fisher's exact test, one-sided)."""


def judge_sources(
    draw: Iterable[tuple[str, str]],
    said: Mapping[str, Collection[str]],
    populations: Mapping[str, int],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    today: datetime.date,
) -> Result:
    """Rows with any flag, source by source; ``draw`` pairs row id and source, ``populations`` are rows of each in the data.

    FAIL: a source over ``policy.flagged_share``, by p-values corrected for the number of sources (Holm). A source that is worse
    than the others, corrected in the same way, is named; that alone fails nothing. The worst source comes first.
    """
    sources = _sources(draw, said, populations, policy)
    if not any(source.counted.read for source in sources):
        return Result("gate by source", Verdict.NOT_RUN, ("no row was read",))
    over, worse = stats.holm([s.over for s in sources]), stats.holm([s.worse for s in sources])
    judged = sorted(zip(sources, over, worse, strict=True), key=lambda each: (each[1], each[2], each[0].name))
    verdicts = [_verdict(source, p, settings, policy, today) for source, p, _ in judged]
    return Result(
        "gate by source",
        worst(verdicts),
        tuple(_reason(s, v, w, settings) for (s, _, w), v in zip(judged, verdicts, strict=True)),
        tuple(_share(source, settings) for source, _, _ in judged),
        skipped=tuple(
            Skipped("row", f"not read, {s.name}", s.drawn - s.counted.read) for s in sources if s.counted.read < s.drawn
        ),
    )


def _sources(
    draw: Iterable[tuple[str, str]], said: Mapping[str, Collection[str]], populations: Mapping[str, int], policy: Policy
) -> list[Source]:
    rows: dict[str, list[str]] = defaultdict(list)
    for row, source in draw:
        rows[source].append(row)
    counts = {name: count(ids, said, (ANY,))[0] for name, ids in sorted(rows.items())}
    n, k = sum(c.read for c in counts.values()), sum(c.flagged for c in counts.values())
    found = []
    for name, each in counts.items():
        drawn = len(rows[name])
        population = max(populations.get(name, drawn), drawn)
        over = stats.at_least(each.flagged, drawn, policy.flagged_share, population)
        worse = stats.at_least(each.flagged, each.read, k / n, n) if n else 1.0
        found.append(Source(name, each, drawn, population, over, worse))
    return found


def _verdict(source: Source, over: float, settings: Settings, policy: Policy, today: datetime.date) -> Verdict:
    if over <= settings.error:
        return Verdict.FAIL if policy.waived(source.name, today) is None else Verdict.PASS
    under = stats.at_most(source.counted.flagged, source.drawn, policy.flagged_share, source.population)
    whole = source.counted.read == source.drawn
    return Verdict.PASS if under <= settings.error and whole else Verdict.INCONCLUSIVE


def _reason(source: Source, verdict: Verdict, worse: float, settings: Settings) -> str:
    share = _share(source, settings)
    compared = f"; worse than the others (p = {worse:.2g}, corrected)" if worse <= settings.error else ""
    return (
        f"{source.name}: {source.counted.flagged} of {source.counted.read:,} rows flagged, {share.value:.2%} "
        f"[{share.low:.2%}, {share.high:.2%}] of its {source.population:,}: {verdict.value}{compared}"
    )


def _share(source: Source, settings: Settings) -> Estimate:
    k, n, missing = source.counted.flagged, source.drawn, source.drawn - source.counted.read
    low = stats.low_bound(k, n, settings.error, source.population)
    high = stats.high_bound(k + missing, n, settings.error, source.population)
    value = min(max(k / max(source.counted.read, 1), low), high)
    method = f"share of {source.population} rows, exact, one-sided {1 - settings.error:.1%} each way"
    return Estimate(f"share, {source.name}", value, low, high, source.counted.read, method)
