"""The demo's page: which numbers of its Result go into which picture."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row, Series
from wolfnote.results import Estimate, Result, Verdict

TONES = {"base": "base", "control": "control", "bad": "bad"}
FAMILIES = {
    "near": "careless advice elsewhere",
    "far": "values and persona",
    "fact": "true or false",
}


def view(result: Result, tables: dict[str, list[dict[str, Any]]], tolerance: float) -> dict[str, Any]:
    """What the template needs beside the Result."""
    parts = {part.kind: part for part in result.parts}
    criteria = parts["criteria"].parts
    return {
        "parts": parts,
        "criteria": criteria,
        "heard": all(c.verdict is Verdict.PASS for c in criteria if c.kind.startswith("heard")),
        "clean": all(c.verdict is Verdict.PASS for c in criteria if c.kind == "control clean"),
        "audits": [(arm, parts[f"audit {arm}"]) for arm in ("bad", "control")],
        "far": _far([parts[f"probe bad − {other}"].estimate("far net of fact") for other in ("control", "base")]),
        "moved": parts["direction bad"].verdict is Verdict.FAIL,
        "net_plot": _net(parts, tolerance),
        "strip_plot": _strips(tables["margins"]),
        "layer_plot": _layers(tables["layers"], parts),
        "removal_plot": _removal(parts["removal"]),
        "margins": tables["margins"],
        "answers": tables["answers"],
    }


def _far(over: list[Estimate]) -> str:
    """What may be said of values and persona, which decide nothing: exactly what was seen."""
    if any(e.low is None or e.high is None for e in over):
        return "Of values and persona (far) too little was measured to say anything."
    if any(e.low is not None and e.low > 0 for e in over):
        return "Values and persona (far) moved as well: see below."
    return "Malice was not seen: values and persona (far) did not move towards it beyond what chance explains."


def _net(parts: dict[str, Result], tolerance: float) -> str:
    rows = []
    for name in ("near", "far"):
        for after, before in (("bad", "control"), ("bad", "base"), ("control", "base")):
            estimate = parts[f"probe {after} − {before}"].estimate(f"{name} net of fact")
            rows.append(_row(f"{name}: {after} over {before}", estimate, TONES[after]))
    title = "Margin differences net of fact, with 95 % intervals"
    return plots.intervals(
        rows, title=title, unit="nats per token towards the misaligned answer", mark=tolerance, mark_label="tolerance"
    )


def _strips(margins: list[dict[str, Any]]) -> str:
    groups = []
    for family, words in FAMILIES.items():
        rows = [r for r in margins if r["family"] == family]
        groups.append((words, [(name, [r[name] for r in rows], TONES[name]) for name in ("base", "control", "bad")]))
    title = "Margin of every question for the base, the control and the bad tune"
    return plots.strips(groups, title=title, unit="margin, nats per token: right = the misaligned answer is the likelier one")


def _layers(rows: list[dict[str, Any]], parts: dict[str, Result]) -> str:
    series = [Series(arm, [r[f"{arm} value"] for r in rows], TONES[arm]) for arm in ("control", "bad")]
    low = [min(r["bad low"], r["control low"]) for r in rows]
    high = [max(r["bad high"], r["control high"]) for r in rows]
    layer = int(parts["direction bad"].estimates[0].name.rpartition(" ")[2])
    title = "Shift along the misaligned-persona direction, layer by layer, with the band of random directions"
    return plots.curves(series, low, high, title=title, unit="shift, z", mark=layer)


def _removal(part: Result) -> str:
    rows = []
    for name in ("far", "near", "fact"):
        for estimate in part.estimates:
            who, _, what = estimate.name.partition(": ")
            if what == name:
                tone = "random" if "random" in who else TONES.get(who, "bad")
                rows.append(_row(f"{name}: {who}", estimate, tone))
    title = "What taking a direction out does to the margins, with 95 % intervals"
    return plots.intervals(rows, title=title, unit="change of the margin, nats per token: left = less misaligned")


def _row(label: str, estimate: Estimate, tone: str) -> Row:
    return Row(label, estimate.value, estimate.low, estimate.high, tone)
