"""The page of ``wolfnote audit``: may these rows be trained on, what was looked at, which rows are meant, what nobody saw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from wolfnote.report import plots
from wolfnote.report.plots import Row
from wolfnote.results import Estimate, Finding, Result, Skipped, Verdict

SHOWN = 8
"""Findings of one kind on the page; all are in the run folder."""
PICTURED = 30
"""Shares in one picture."""
SAID = re.compile(r": (PASS|FAIL|INCONCLUSIVE|NOT RUN)\b")
SENTENCES = {
    Verdict.PASS: "Nothing over the tolerances, in what was read.",
    Verdict.FAIL: "Do not train on these rows as they are.",
    Verdict.INCONCLUSIVE: "Not settled: too little was read, or too little is known.",
    Verdict.NOT_RUN: "Not judged: part of the reading did not run.",
}


class Line(NamedTuple):
    """One thing that a gate judged: what, its verdict, in words, its share."""

    name: str
    verdict: Verdict
    text: str
    share: Estimate


class Gate(NamedTuple):
    """A part of the gate: lines of what it judged, its picture, and the reasons that are about none of them."""

    part: Result
    lines: Sequence[Line]
    picture: Markup | None
    reasons: Sequence[str]


class Group(NamedTuple):
    """Findings of one code: how many rows there are in all, and the first of them."""

    code: str
    name: str
    rows: int
    hazard: bool
    findings: Sequence[Finding]


def view(result: Result, tolerance: float) -> dict[str, Any]:
    """What the template needs beside the Result. ``tolerance``: the share of rows with any flag that the policy allows."""
    tier_1, tier_2 = result.part("tier 1"), result.part("tier 2")
    return {
        "sentence": SENTENCES[result.verdict],
        "gates": [_gate(part, tolerance) for part in result.parts if part.kind.startswith("gate")],
        "sample": _sample(result, tier_2),
        "tier_1": tier_1,
        "tier_2": tier_2,
        "groups": sorted([*_read(result, tier_2), *_detected(tier_1)], key=lambda g: (not g.hazard, -g.rows, g.code)),
        "unseen": _unseen(result),
    }


def _gate(part: Result, tolerance: float) -> Gate:
    lines = [_line(part, estimate) for estimate in part.estimates]
    used = {line.text for line in lines}
    return Gate(part, lines, _picture(part, lines, tolerance), [reason for reason in part.reasons if reason not in used])


def _line(part: Result, estimate: Estimate) -> Line:
    name = estimate.name.removeprefix("share, ")
    text = next((reason for reason in part.reasons if reason.startswith(f"{name}: ")), "")
    found = SAID.findall(text)
    return Line(name, Verdict(found[-1]) if found else part.verdict, text, estimate)


def _picture(part: Result, lines: Sequence[Line], tolerance: float) -> Markup | None:
    """Shares with their bounds in per cent; the policy's tolerance where all lines have that one."""
    tones = {Verdict.FAIL: "bad", Verdict.PASS: "control"}
    rows = [
        Row(e.name, 100 * e.share.value, _cent(e.share.low), _cent(e.share.high), tones.get(e.verdict, "base")) for e in lines
    ]
    if not rows:
        return None
    same = "each source" in part.kind or any(line.name == "any flag" for line in lines)
    title = f"{part.kind.removeprefix('gate: ')}: share of rows, with what it may be"
    mark, label = (100 * tolerance, f"tolerance {tolerance:.0%}") if same else (None, "")
    return plots.intervals(rows, title=title, unit="rows of the data, %", mark=mark, mark_label=label)


def _sample(result: Result, tier_2: Result) -> Markup | None:
    """The draw as dots: flagged, clean, not read."""
    drawn = next((round(e.value) for e in tier_2.estimates if e.name == "rows drawn"), 0)
    every = [*result.estimates, *tier_2.estimates]
    share = next((e for e in every if e.name in ("share, any flag", "drawn rows that any reader flagged")), None)
    if not drawn or share is None:
        return None
    flagged = round(share.value * share.n)
    clean, unread = share.n - flagged, drawn - share.n
    kinds = [(flagged, "bad", "flagged"), (clean, "control faint", "read, no flag"), (unread, "base", "not read whole")]
    title = f"{drawn:,} rows drawn at random: {flagged:,} flagged, {clean:,} without a flag, {unread:,} not read whole"
    return plots.rows(kinds, title=title)


def _read(result: Result, tier_2: Result) -> Iterator[Group]:
    """What readers flagged, by code and category."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in result.findings:
        grouped.setdefault((finding.code, finding.message.partition(":")[0]), []).append(finding)
    for (code, name), found in grouped.items():
        yield Group(code, f"{name}, read by a model in the draw", len(found), True, found[:SHOWN])


def _detected(tier_1: Result) -> Iterator[Group]:
    """What detectors flagged, by code, with the number of rows that tier 1 counted."""
    counted = {
        e.name.split(" ")[1]: e for e in tier_1.estimates if e.name.startswith("rows, WN") and not e.name.endswith("a hazard")
    }
    grouped: dict[str, list[Finding]] = {}
    for finding in tier_1.findings:
        grouped.setdefault(finding.code, []).append(finding)
    for code, found in grouped.items():
        estimate = counted.get(code)
        name, rows = (estimate.name.split(" ", 2)[2], round(estimate.value)) if estimate else ("", len(found))
        yield Group(code, name, rows, any(f.severity != "info" for f in found), found[:SHOWN])


def _unseen(result: Result) -> list[Skipped]:
    """Everything that was not read, each once, the most frequent first; what was no row, by its reasons alone."""
    every = {(s.what, s.reason): s for part in (result, *result.parts) for s in part.skipped}
    if result.skipped:
        every.pop(("row", "could not be parsed"), None)
    return sorted(every.values(), key=lambda s: -s.count)


def _cent(share: float | None) -> float | None:
    return None if share is None else 100 * share
