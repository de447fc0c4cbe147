"""The page of ``wolfnote bench``: what each model lost, measure by measure, against what it may lose."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row
from wolfnote.results import Result

SHOWN = 12
TONES = {"PASS": "control", "FAIL": "bad"}


def view(result: Result, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A forest plot a model, the table of all models, and the items that were lost."""
    models = [part for part in result.parts if part.kind != "null"]
    null = next((part for part in result.parts if part.kind == "null"), None)
    measures = list(dict.fromkeys(part.kind for model in models for part in model.parts))
    grid = [(m, [next((p for p in model.parts if p.kind == m), None) for model in models]) for m in measures]
    forests = [(model, _forests(model)) for model in models]
    lost = [(model.kind, _lost(tables.get("items", []), model.kind)) for model in models]
    return {"models": models, "null": null, "grid": grid, "forests": forests, "lost": lost}


def _forests(model: Result) -> list[str]:
    """One picture for each tolerance, with the measures that it holds for."""
    groups: dict[float, list[Row]] = {}
    for part in model.parts:
        if part.estimates:
            change = part.estimates[0]
            row = Row(part.kind, change.value, change.low, change.high, TONES.get(part.verdict.value, "base"))
            groups.setdefault(part.estimate("tolerance").value, []).append(row)
    title = f"{model.kind} against its base: change of each measure, with 95 % intervals"
    unit = "tuned − base, as a share of 1: left = worse"
    return [
        plots.intervals(rows, title=title, unit=unit, mark=mark, mark_label=f"tolerance {mark:+.0%}")
        for mark, rows in sorted(groups.items())
    ]


def _lost(items: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    """The items that lost most, worst first."""
    found = [
        {"measure": f"{i['task']}: {i['measure']}", "item": i["text"] or i["id"], "base": old, "tuned": new}
        for i in items
        if i["declared"] and (old := i["values"].get("base", 0.0)) > (new := i["values"].get(model, 1.0))
    ]
    return sorted(found, key=lambda f: f["tuned"] - f["base"])[:SHOWN]
