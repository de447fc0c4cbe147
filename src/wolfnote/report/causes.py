"""The page of ``wolfnote direction steer``: where to push, dose and response, beside directions that mean nothing."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Mark, Row

SETS = {"random": "random directions", "unrelated": "unrelated personas"}


def view(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The pictures, and the rows behind them."""
    doses = tables.get("doses", [])
    return {"sweep": _sweep(tables.get("sweep", [])), "picture": _response(doses) if doses else "", "doses": doses}


def _sweep(points: list[dict[str, Any]]) -> str:
    marks = [
        Mark(
            p["price"], p["swing"], "bad" if p["chosen"] else "base" if p["front"] else "random",
            f"{p['blocks']} at ±{p['dose']:g}" if p["front"] or p["chosen"] else "",
            f"{p['blocks']} at ±{p['dose']:g}: swing {p['swing']:+.3f}, benign perplexity {p['price']:+.0%}",
        )
        for p in points
    ]  # fmt: skip
    return plots.scatter(
        marks,
        title="Swing of the margin against the rise of benign perplexity, for each band of blocks and dose",
        across="relative rise of benign perplexity (the dearer way): left = cheaper",
        up="swing: margin pushed up − pushed down, nats a token",
    )


def _response(doses: list[dict[str, Any]]) -> str:
    rows = []
    for act in doses:
        rows.append(Row(act["act"], act["value"], act["low"], act["high"], "bad"))
        for key, words in SETS.items():
            if act[key]:
                mean = sum(act[key]) / len(act[key])
                rows.append(Row(f"{words} {act['act']}", mean, min(act[key]), max(act[key]), "random"))
    return plots.intervals(
        rows,
        title="Change of the margin when the model is pushed along the direction, and when it is taken out",
        unit="change of the margin, nats per token: right = nearer to the misaligned answer",
    )
