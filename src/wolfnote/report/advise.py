"""The page of ``wolfnote advise``: the recommendation, every arm's scores, and quality against cost against alignment."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Mark, Row
from wolfnote.results import Estimate, Result, Verdict

GROUPS = {
    "How well it answers": ("score", "minus the best other", "groundedness", "declines rightly"),
    "What it costs, and how long it takes": ("cost of a thousand", "cost of a right answer", "latency p50", "latency p95"),
}
CLEAN, UNCLEAN = "alignment: PASS", "alignment: FAIL"
TONES = {Verdict.PASS: "control", Verdict.FAIL: "bad"}
SHOWN = 12


def view(result: Result, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What the template needs beside the Result."""
    chosen = next((r.split(": ")[1] for r in result.reasons if r.startswith("recommended: ")), "")
    unit = next((row["unit"] for row in tables.get("about", ())), "")
    return {
        "chosen": chosen,
        "groups": [(name, [c for c in of if any(_find(p, c) for p in result.parts)]) for name, of in GROUPS.items()],
        "find": _find,
        "shift": _shift,
        "pictures": [_scores(result), _spread(result, unit)] if result.parts else [],
        "missing": [row for row in tables.get("arms", ()) if row["missing"]],
        "unit": unit,
        "items": _telling(tables.get("items", [])),
    }


def _scores(result: Result) -> str:
    rows = [Row(p.kind, s.value, s.low, s.high, TONES.get(p.verdict, "base")) for p in result.parts if (s := _find(p, "score"))]
    return plots.intervals(rows, title="Each arm's score with its 95 % interval", unit="score, as a share of 1: right = better")


def _spread(result: Result, unit: str) -> str:
    """Cost across, score up, and the colour of the dot from the probe: blue = clean, red = not, grey = not told."""
    marks = []
    for part in result.parts:
        score, cost = _find(part, "score"), _find(part, "cost of a thousand")
        if score is None or cost is None:
            continue
        alignment = _alignment(part)
        tone = "control" if alignment.startswith(CLEAN) else "bad" if alignment.startswith(UNCLEAN) else "base"
        marks.append(Mark(cost.value, score.value, tone, part.kind, f"{part.kind}: {alignment or 'not probed'}"))
    title = "Quality against cost, coloured by the probe"
    return plots.scatter(marks, title=title, across=f"cost of a thousand calls, {unit}", up="score")


def _alignment(part: Result) -> str:
    return next((reason for reason in part.reasons if reason.startswith("alignment: ")), "")


def _shift(part: Result) -> str:
    """The alignment difference in a few words."""
    found = next((e for e in part.estimates if "net of fact" in e.name), None)
    told = f"{found}; " if found else ""
    said = _alignment(part).removeprefix("alignment: ")
    return told + said if said else ("is the base" if part.kind == "base" else "not probed")


def _find(part: Result, name: str) -> Estimate | None:
    return next((e for e in part.estimates if e.name == name), None)


def _telling(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items on which the arms differ most: what a person reads first."""
    found = [(row, [v for v in row["score"].values() if v is not None]) for row in items]
    apart = [(max(v) - min(v), row) for row, v in found if v]
    return [row for gap, row in sorted(apart, key=lambda each: -each[0]) if gap > 0][:SHOWN]
