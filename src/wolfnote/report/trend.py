"""Several runs over time: verdicts in one table, and each estimate that they share in one picture, oldest first."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from wolfnote.errors import InputError
from wolfnote.report import html, plots, reading
from wolfnote.report.plots import Row
from wolfnote.report.spreadsheet import cell
from wolfnote.results import Estimate, Result, Verdict

MOST = 24
TONES = {Verdict.FAIL: "bad", Verdict.PASS: "control"}


class Release(NamedTuple):
    """One of the runs."""

    name: str
    result: Result
    about: dict[str, Any]
    verdicts: dict[str, Verdict]
    estimates: dict[str, tuple[Estimate, Verdict]]


def compare(runs: Sequence[Path], format: str = "html") -> str:
    """The trend as a page, or as CSV. Raises ``InputError`` for fewer than two runs, and for an unfinished one."""
    if len(runs) < 2:
        raise InputError("a trend takes two runs at least", where="--compare", remedy="name further runs, oldest first")
    alike = len({run.name for run in runs}) < len(runs)
    releases = [_release(run, "/".join(run.parts[-2:]) if alike else run.name) for run in runs]
    if format == "csv":
        return _table(releases)
    if format != "html":
        raise InputError(f"no trend as {format}", where="--format", remedy="html or csv")
    stages = list(dict.fromkeys(name for release in releases for name in release.verdicts))
    pictures = [_picture(name, releases) for name in shared(releases)[:MOST]]
    template = html.environment().get_template("trend.html")
    return template.render(releases=releases, stages=stages, pictures=pictures, left=max(0, len(shared(releases)) - MOST))


def shared(releases: Sequence[Release]) -> list[str]:
    """Estimates with an interval that two runs or more have: those that decide first, then those of parts within."""
    names = dict.fromkeys(name for release in releases for name in release.estimates)
    found = [name for name in names if sum(name in release.estimates for release in releases) > 1]
    return sorted(found, key=lambda name: name.partition(": ")[0].count(" / "))


def _release(run: Path, name: str) -> Release:
    result, about = reading.finished(run)
    parts = [(place.partition(" / ")[2] or result.kind, part) for place, part in reading.walk(result)]
    verdicts = {part.kind: part.verdict for part in (result, *reading.stages(result))}
    estimates = {f"{name}: {e.name}": (e, part.verdict) for name, part in parts for e in part.estimates if e.low is not None}
    return Release(name or str(run), result, about, verdicts, estimates)


def _picture(name: str, releases: Sequence[Release]) -> Markup:
    rows = []
    for release in releases:
        if name in release.estimates:
            e, verdict = release.estimates[name]
            rows.append(Row(release.name[:36], e.value, e.low, e.high, TONES.get(verdict, "base")))
    return plots.intervals(rows, title=f"{name}, release by release", unit=name[:110])


def _table(releases: Sequence[Release]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("run", "verdict", "estimate", "value", "low", "high", "n"))
    for release in releases:
        for name, (e, verdict) in release.estimates.items():
            table.writerow([cell(release.name), verdict.value, cell(name), e.value, e.low, e.high, e.n])
    return out.getvalue()
