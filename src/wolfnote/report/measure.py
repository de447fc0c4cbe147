"""The page of ``wolfnote direction measure``: which personas moved, and at which layers."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row, Series
from wolfnote.results import Result, Verdict


def view(result: Result, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the template needs beside the Result: one picture of all personas, one of the layers for each."""
    rows = [_row(part) for part in result.parts if part.estimates]
    rows.sort(key=lambda row: -row.value)
    summary = plots.intervals(
        rows, title="Shift from base to tuned along each persona, at the layer named beforehand; 95 % over texts",
        unit="shift, z of the base's plain answers: right = more of the persona",
    )  # fmt: skip
    personas = [(part, _layers(part, tables.get("shifts", []))) for part in result.parts]
    return {"summary": summary, "personas": personas, "texts": _texts(tables.get("texts", []))}


def _texts(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """A picture a persona: every text as a dot, base and tuned."""
    found: list[tuple[str, str]] = []
    for persona in dict.fromkeys(row["persona"] for row in rows):
        own = [row for row in rows if row["persona"] == persona]
        strips = [("base", [row["base"] for row in own], "base"), ("tuned", [row["tuned"] for row in own], "bad")]
        title = f"Every text along {persona}, read by base and by tuned"
        found.append((persona, plots.strips([("texts", strips)], title=title, unit="z: right = more of the persona")))
    return found


def _row(part: Result) -> Row:
    size = part.estimates[1]
    tone = "bad" if part.verdict is Verdict.FAIL else "base"
    return Row(_name(part), size.value, size.low, size.high, tone)


def _layers(part: Result, shifts: list[dict[str, Any]]) -> str:
    rows = [row for row in shifts if row["persona"] == _name(part)]
    if not rows or not part.estimates:
        return ""
    layer = int(part.estimates[0].name.rpartition(" ")[2])
    series = [Series("tuned", [row["value"] for row in rows], "bad" if part.verdict is Verdict.FAIL else "base")]
    low, high = [row["low"] for row in rows], [row["high"] for row in rows]
    title = f"Shift along {_name(part)}, layer by layer, with the band of random directions"
    return plots.curves(series, low, high, title=title, unit="shift, z", mark=layer)


def _name(part: Result) -> str:
    return part.kind.removeprefix("direction ")
