"""The page of ``wolfnote canary replay``: how often each model was flagged, and every decision with its evidence."""

from __future__ import annotations

import datetime
import math
from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row
from wolfnote.results import Result

TONES = {"canary": "bad", "stable": "base"}


def view(result: Result, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """One picture of the rates, and the decisions as rows."""
    rates = [e for e in result.estimates if e.name.endswith(("flagged", "abstained")) and e.n]
    rows = [Row(e.name, e.value, e.low, e.high, TONES.get(e.name.partition(" ")[0], "control")) for e in rates]
    title = "Share of conversations flagged and not read, canary and base, with intervals that hold at all looks"
    picture = plots.intervals(rows, title=title, unit="share of conversations") if rows else ""
    return {"picture": picture, "decisions": [_decision(row) for row in tables.get("decisions", [])]}


def _decision(row: dict[str, Any]) -> dict[str, Any]:
    state, evidence = row["state"], row["evidence"]
    at = datetime.datetime.fromtimestamp(float(state["at"]), datetime.UTC)
    harm = float(evidence["harm"])
    shown = f"{math.exp(harm):.3g}" if harm < 300 else f"exp({harm:.0f})"
    return {"at": f"{at:%Y-%m-%d %H:%M:%S}", "stage": state["stage"], "share": state["share"], "who": state["who"],
            "why": state["why"], "harm": shown, "pairs": evidence["pairs"]}  # fmt: skip
