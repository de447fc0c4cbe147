"""The page of a checkpoint curve: what moved and how far the task came, step by step."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row
from wolfnote.results import Estimate, Result, Verdict


def view(result: Result) -> dict[str, Any]:
    """What the template needs beside the Result: a picture for each measure, a line a checkpoint."""
    measures: dict[str, list[Row]] = {}
    for part in result.parts:
        step = part.kind.removeprefix("checkpoint ")
        for estimate in part.estimates:
            if estimate.name.endswith("net of fact") or "rise on these" in estimate.name:
                tone = "bad" if part.verdict is Verdict.FAIL else "base"
                measures.setdefault(estimate.name, []).append(_row(f"step {step}", estimate, tone))
    pictures = [(name, _picture(name, rows)) for name, rows in measures.items()]
    task = [_row(estimate.name.removeprefix("task at "), estimate, "control") for estimate in result.estimates]
    unit = "mean log p of the training's answers, nats a token: right = the task is learned"
    return {"pictures": pictures, "task": plots.intervals(task, title="The task, step by step", unit=unit) if task else ""}


def _picture(name: str, rows: list[Row]) -> str:
    unit = "share of answers" if "rise" in name else "nats a token towards the misaligned answer"
    return plots.intervals(rows, title=f"{name}, step by step, with 95 % intervals", unit=unit)


def _row(label: str, estimate: Estimate, tone: str) -> Row:
    return Row(label, estimate.value, estimate.low, estimate.high, tone)
