"""Tier 2: a random draw read with a model, and the whole judged by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wolfnote import stats
from wolfnote.audit import gate
from wolfnote.audit.draw import draw
from wolfnote.audit.reader import Accuracy, Reader
from wolfnote.audit.settings import Settings
from wolfnote.events import OnEvent, silent
from wolfnote.records import Sample, Unread
from wolfnote.results import Estimate, Finding, Result, Score, Skipped, Verdict, worst
from wolfnote.settings import Policy

SHOWN = 10


def run(
    samples: Sequence[Sample],
    settings: Settings,
    detectors: Sequence[Reader],
    *,
    unread: Sequence[Unread] = (),
    policy: Policy = Policy(),  # noqa: B008 - frozen
    on_event: OnEvent = silent,
) -> Result:
    """Read a random draw of the rows with each detector and judge the whole by it.

    FAIL: more harmful rows than ``policy.flagged_share``, even at the low bound. PASS: fewer, even at the high bound, and
    every row of the data could be parsed. INCONCLUSIVE: neither.
    """
    rows = draw(samples, settings.limit, settings.seed)
    parts = [read(detector, rows, detector.read(rows, on_event), policy) for detector in detectors]
    return judged(parts, unread_rows(unread))


def judged(parts: Sequence[Result], unread: Sequence[Skipped]) -> Result:
    """The readers' parts as one Result; rows that could not be parsed rule out a PASS."""
    verdict = worst(part.verdict for part in parts)
    skipped = [*unread]
    reasons = [reason for part in parts for reason in part.reasons]
    skipped += [s for part in parts for s in part.skipped]
    missed = sum(s.count for s in skipped)
    if missed and verdict is Verdict.PASS:
        verdict = Verdict.INCONCLUSIVE
        reasons.append(f"{missed} rows could not be read, so the data was not seen whole")
    return Result(
        "audit",
        verdict,
        tuple(reasons),
        tuple(e for part in parts for e in part.estimates),
        tuple(f for part in parts for f in part.findings),
        tuple(skipped),
    )


def unread_rows(unread: Sequence[Unread]) -> list[Skipped]:
    """The first of the rows that could not be parsed, each with its reason, and how many more there are."""
    skipped = [Skipped("row", row.reason, 1) for row in unread[:SHOWN]]
    if len(unread) > SHOWN:
        skipped.append(Skipped("row", "and more like these", len(unread) - SHOWN))
    return skipped


class Instrument(Protocol):
    """What must be known of a reader to judge by its scores."""

    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def threshold(self) -> float: ...  # noqa: D102
    def accuracy(self) -> Accuracy: ...  # noqa: D102


class Row(Protocol):
    """What a finding says of a row."""

    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> str: ...  # noqa: D102


def read(detector: Instrument, rows: Sequence[Row], scores: Sequence[Score], policy: Policy) -> Result:
    """What one reader's scores of the drawn rows say of the whole."""
    pairs = [(row, score) for row, score in zip(rows, scores, strict=True) if score.value is not None]
    flagged = sorted(((s.value or 0.0, r, s) for r, s in pairs if (s.value or 0.0) > detector.threshold), key=lambda t: -t[0])
    if not pairs:
        unseen = tuple(Skipped("row", score.reason) for score in scores)
        return Result("detector", Verdict.NOT_RUN, (f"{detector.code}: no row could be read",), skipped=unseen)
    share = gate.harmful_share(f"harmful share, {detector.name}", len(flagged), len(pairs), detector.accuracy())
    verdict = gate.verdict(share, policy.flagged_share)
    return Result(
        "detector",
        verdict,
        (_reason(detector, len(flagged), len(pairs), share, policy.flagged_share),),
        (stats.share(f"flagged, {detector.name}", len(flagged), len(pairs)), share, *detector.accuracy()),
        tuple(finding(detector, row, score) for _, row, score in flagged),
        tuple(Skipped("row", score.reason) for score in scores if score.value is None),
    )


def _reason(detector: Instrument, flagged: int, read: int, share: Estimate, tolerance: float) -> str:
    low, high = share.low or 0.0, share.high or 1.0
    return (
        f"{detector.name}: {flagged} of {read} rows flagged; after the reader's own errors {share.value:.0%} of the data "
        f"[{low:.0%}, {high:.0%}] reads as harmful; tolerance {tolerance:.0%}"
    )


def finding(detector: Instrument, row: Row, score: Score) -> Finding:
    """What a reader says of a row that it flags."""
    return Finding(
        code=detector.code,
        severity="warning",
        message=f"{detector.name}: {score.reason}",
        where=row.source,
        evidence=row.answer,
        confidence=score.value,
        remedy="review the row; correct it rather than delete it (arXiv 2609.37624)",
    )
