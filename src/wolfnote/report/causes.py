"""The page of ``wolfnote direction steer``: dose and response, beside random directions."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row


def view(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The picture, and the rows behind it."""
    rows = []
    for act in tables.get("doses", []):
        rows.append(Row(act["act"], act["value"], act["low"], act["high"], "bad"))
        if act["random"]:
            low, high = min(act["random"]), max(act["random"])
            rows.append(Row(f"random {act['act']}", sum(act["random"]) / len(act["random"]), low, high, "random"))
    picture = plots.intervals(
        rows,
        title="Change of the margin when the model is pushed along the direction, and when it is taken out",
        unit="change of the margin, nats per token: right = nearer to the misaligned answer",
    )
    return {"picture": picture, "doses": tables.get("doses", [])}
