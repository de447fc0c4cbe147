"""Counts → verdict, exactly, category by category.

PASS: in every category the bound above the share is under the tolerance; that needs no correction for their number (an
intersection: each one has to pass). FAIL: in one category the share is over the tolerance, by a p-value corrected for the
number of categories (a union; Holm 1979). INCONCLUSIVE: neither, with the number of further rows that would settle it.

Rows that nobody could read count as harmful in the bound above, as clean in the bound below, and rule out a PASS.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from wolfnote import stats
from wolfnote.audit.gate import article
from wolfnote.audit.gate.counting import ANY, Count, Frame
from wolfnote.audit.gate.evidence import Evidence, further_rows, weigh
from wolfnote.audit.gate.settings import Settings
from wolfnote.results import Estimate, Result, Skipped, Verdict, worst
from wolfnote.settings import Policy


class Judgement(NamedTuple):
    """One category's verdict and the line that says why."""

    verdict: Verdict
    reason: str
    estimate: Estimate


def judge(
    counts: Sequence[Count],
    frame: Frame,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    today: datetime.date,
) -> Result:
    """The verdict about the data. Raises ``SettingsError`` for settings that make no gate."""
    settings.check()
    if settings.preset == "article":
        return article.judge(next(c for c in counts if c.name == ANY), frame)
    named = [count for count in counts if count.name != ANY]
    if not any(count.read for count in named):
        return Result("gate", Verdict.NOT_RUN, ("no row was read",), skipped=unseen(named, frame))
    weighed = [weigh(count, frame, settings, policy) for count in named]
    corrected = stats.holm([evidence.over for evidence in weighed])
    parts = [_verdict(e, p, frame, settings, policy, today) for e, p in zip(weighed, corrected, strict=True)]
    verdict = worst(part.verdict for part in parts)
    reasons = [part.reason for part in parts]
    if frame.unread:
        reasons.append(f"{frame.unread} rows of the data could not be parsed, so it was not seen whole")
        verdict = Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict
    return Result(
        "gate",
        verdict,
        (plan(frame, settings), *reasons),
        tuple(part.estimate for part in parts),
        skipped=unseen(named, frame),
    )


def plan(frame: Frame, settings: Settings) -> str:
    """Which look this is, of which plan, and what it may use of the error probability."""
    tail = settings.tail(frame.drawn)
    if frame.drawn == frame.population:
        return f"all {frame.population:,} rows were to be read"
    looks = ", ".join(f"{look:,}" for look in settings.looks)
    return (
        f"{frame.drawn:,} of {frame.population:,} rows drawn; looks planned at {looks} and all rows; "
        f"this one's bounds are one-sided {1 - tail:.1%}, all looks together {1 - settings.error:.0%}"
    )


def unseen(counts: Sequence[Count], frame: Frame) -> tuple[Skipped, ...]:
    """Rows that the frame declares and that were not read."""
    missing = [Skipped("row", f"not read for {c.name}", frame.drawn - c.read) for c in counts if c.read < frame.drawn]
    return (*missing, *([Skipped("row", "could not be parsed", frame.unread)] if frame.unread else []))


def _verdict(e: Evidence, p: float, frame: Frame, settings: Settings, policy: Policy, today: datetime.date) -> Judgement:
    waiver = policy.waived(e.counted.name, today)
    missing = frame.drawn - e.counted.read
    if p <= e.tail and waiver is not None:
        verdict, why = Verdict.PASS, f"waived by {waiver.name} until {waiver.expires}: {waiver.reason}"
    elif p <= e.tail:
        verdict, why = Verdict.FAIL, "over it"
    elif e.under > e.tail:
        verdict, why = Verdict.INCONCLUSIVE, _open(e, frame, settings, policy)
    elif missing:
        verdict, why = Verdict.INCONCLUSIVE, f"under it, but {missing} rows of the frame were not read"
    else:
        verdict, why = Verdict.PASS, "under it"
    return Judgement(verdict, f"{e.line}: {verdict.value}, {why}", e.estimate)


def _open(e: Evidence, frame: Frame, settings: Settings, policy: Policy) -> str:
    """Why neither, and what would settle it."""
    taken_alone = "over it if it were the only category; " if e.over <= e.tail else ""
    further = further_rows(e.counted, frame, settings, policy)
    if further is None:
        return (
            taken_alone + "no number of rows would settle it: the reader's errors are known too badly, or the rate is the limit"
        )
    if further == 0:
        return taken_alone + f"the {frame.drawn - e.counted.read:,} rows of the frame that were not read decide it"
    return taken_alone + f"about {further:,} further rows would settle it at this rate"
