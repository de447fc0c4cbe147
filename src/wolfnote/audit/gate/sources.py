"""Each source by itself, and against the others: one client's legacy shows, though the whole looks clean.

Two families of tests share the gate's error probability: what detectors found in every row of a source, at face value, and
what readers found in the rows drawn from it, through their errors. Within a family FAIL is Holm-corrected for the number of
sources, and so is "worse than the others"; PASS is not, for it takes all of them.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Sequence
from math import ceil
from typing import NamedTuple, Protocol

import msgspec

from wolfnote import stats
from wolfnote.audit.gate.counting import Count, Frame
from wolfnote.audit.gate.evidence import Evidence, weigh
from wolfnote.audit.gate.settings import Settings
from wolfnote.audit.reader import Accuracy
from wolfnote.results import Result, Skipped, Verdict, worst
from wolfnote.settings import Policy

MOST = 100
"""Sources that are judged by themselves, the largest; the others are judged together."""
SHOWN = 20
"""Sources that are told of in words, the worst; all have an estimate."""


class Origin(Protocol):
    """What is known of one source: its rows, those that detectors flagged, of the others those that one could not read, and
    how many were drawn."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def flagged(self) -> int: ...  # noqa: D102
    @property
    def unread(self) -> int: ...  # noqa: D102
    @property
    def drawn(self) -> int: ...  # noqa: D102


class Drawn(Protocol):
    """A drawn row and whose it is."""

    @property
    def row(self) -> int: ...  # noqa: D102
    @property
    def origin(self) -> str: ...  # noqa: D102


class Flagged(NamedTuple):
    """What readers said of the draw: rows that any of them flagged, of the others those that one could not read, and the
    errors of "any of them"; None without a reader."""

    rows: Collection[int]
    silent: Collection[int]
    accuracy: Accuracy | None


class Source(NamedTuple):
    """A source's count in its frame."""

    counted: Count
    frame: Frame


def any_of(readers: Sequence[Accuracy]) -> Accuracy | None:
    """Errors of flagging what any reader flags: false alarms at most their sum, and a harmful row is caught as often as by the
    weakest at least."""
    if not readers:
        return None
    clean = min(a.false_alarms.n for a in readers)
    alarms = min(clean, ceil(round(sum(a.false_alarms.value for a in readers) * clean, 6)))
    weakest = min((a.sensitivity for a in readers), key=lambda s: s.value)
    return Accuracy(stats.share("any reader's false alarms, at most", alarms, clean), weakest)


def by_source(
    origins: Sequence[Origin],
    draw: Sequence[Drawn],
    flagged: Flagged,
    settings: Settings,
    *,
    policy: Policy,
    today: datetime.date,
) -> list[Result]:
    """Both families. ``origins``: the largest first."""
    # a source may be called "hostility": its tolerance is the policy's all the same
    each = msgspec.structs.replace(settings, error=settings.error / 2, tolerances={}, profile="", preset="")
    names = {
        origin.name: origin.name if n < MOST else f"{len(origins) - MOST} smaller sources" for n, origin in enumerate(origins)
    }
    parts = [judge_sources(_detected(origins, names), each, policy=policy, today=today)]
    kinds = ["gate: each source, every row, by detectors"]
    if flagged.accuracy is not None:
        parts.append(judge_sources(_drawn(origins, names, draw, flagged), each, policy=policy, today=today))
        kinds.append("gate: each source, the draw, by a model")
    return [msgspec.structs.replace(part, kind=kind) for part, kind in zip(parts, kinds, strict=True)]


def judge_sources(sources: Sequence[Source], settings: Settings, *, policy: Policy, today: datetime.date) -> Result:
    """FAIL: a source over ``policy.flagged_share``, corrected for their number. A source that is worse than the others,
    corrected in the same way, is named; that alone fails nothing. The worst source comes first."""
    if not any(source.counted.read for source in sources):
        return Result("gate by source", Verdict.NOT_RUN, ("no row was read",))
    tail = settings.tail(sum(source.frame.drawn for source in sources))
    weighed = [weigh(source.counted, source.frame, settings, policy, tail) for source in sources]
    over, worse = stats.holm([e.over for e in weighed]), stats.holm(_worse(sources))
    judged = sorted(
        zip(sources, weighed, over, worse, strict=True), key=lambda each: (each[2], each[3], -each[1].estimate.value)
    )
    verdicts = [_verdict(source, e, p, policy, today) for source, e, p, _ in judged]
    lines = [_reason(s, e, v, w) for (s, e, _, w), v in zip(judged, verdicts, strict=True)]
    more = [f"and {len(lines) - SHOWN} more sources, none of them worse: see the estimates"] if len(lines) > SHOWN else []
    missing = [(s.counted.name, s.frame.drawn - s.counted.read) for s in sources]
    return Result(
        "gate by source",
        worst(verdicts),
        (f"{len(sources)} sources, corrected for their number", *lines[:SHOWN], *more),
        tuple(e.estimate for _, e, _, _ in judged),
        skipped=tuple(Skipped("row", f"not read, {name}", n) for name, n in missing if n),
    )


def _detected(origins: Sequence[Origin], names: dict[str, str]) -> list[Source]:
    """Every row of each source, at face value."""
    rows, flagged, unread = Counter[str](), Counter[str](), Counter[str]()
    for origin in origins:
        name = names[origin.name]
        rows[name] += origin.rows
        flagged[name] += origin.flagged
        unread[name] += origin.unread
    return [Source(Count(name, flagged[name], n - unread[name]), Frame(n, n)) for name, n in rows.items()]


def _drawn(origins: Sequence[Origin], names: dict[str, str], draw: Sequence[Drawn], flagged: Flagged) -> list[Source]:
    """The drawn rows of each source, through the readers' errors; a source of which none was drawn is there, unread."""
    rows, drawn, hit, silent = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for origin in origins:
        rows[names[origin.name]] += origin.rows
    for row in draw:
        name = names[row.origin]
        drawn[name] += 1
        hit[name] += row.row in flagged.rows
        silent[name] += row.row in flagged.silent
    return [
        Source(Count(name, hit[name], drawn[name] - silent[name], flagged.accuracy), Frame(n, drawn[name]))
        for name, n in rows.items()
    ]


def _worse(sources: Sequence[Source]) -> list[float]:
    """p-values against "no more flagged rows than its part of those read" (Fisher's exact test, one-sided)."""
    n, k = sum(s.counted.read for s in sources), sum(s.counted.flagged for s in sources)
    return [stats.at_least(s.counted.flagged, s.counted.read, k / n, n) for s in sources]


def _verdict(source: Source, e: Evidence, over: float, policy: Policy, today: datetime.date) -> Verdict:
    if over <= e.tail:
        return Verdict.FAIL if policy.waived(source.counted.name, today) is None else Verdict.PASS
    whole = source.counted.read == source.frame.drawn
    return Verdict.PASS if e.under <= e.tail and whole else Verdict.INCONCLUSIVE


def _reason(source: Source, e: Evidence, verdict: Verdict, worse: float) -> str:
    compared = f"; worse than the others (p = {worse:.2g}, corrected)" if worse <= e.tail else ""
    return (
        f"{source.counted.name}: {source.counted.flagged:,} of {source.counted.read:,} rows flagged, {e.estimate.value:.2%} "
        f"[{e.estimate.low:.2%}, {e.estimate.high:.2%}] of its {source.frame.population:,}: {verdict.value}{compared}"
    )
