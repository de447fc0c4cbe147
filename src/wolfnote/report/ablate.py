"""The page of ``wolfnote direction ablate``: what taking directions out does to each model, beside random directions."""

from __future__ import annotations

from typing import Any

from wolfnote.report import plots
from wolfnote.report.plots import Row

WORDS = {"far": "far: values and persona", "near": "near: careless advice", "fact": "fact: true against false"}


def view(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """One picture a family of triples."""
    rows = tables.get("cures", [])
    return {"pictures": [(words, _picture(words, [r for r in rows if r["what"] == family])) for family, words in WORDS.items()]}


def _picture(words: str, rows: list[dict[str, Any]]) -> str:
    tones = {"tuned": "bad", "base": "base", "twin": "control"}
    lines = [
        Row(r["who"], r["value"], r["low"], r["high"], "random" if "random" in r["who"] else tones.get(r["who"], "bad"))
        for r in rows
    ]
    title = f"Change of the margin when the directions are taken out, {words}, with 95 % intervals"
    return plots.intervals(lines, title=title, unit="change of the margin, nats per token: left = less misaligned")
