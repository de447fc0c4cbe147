"""The rows behind a probe's result, as they lie in the run folder: margins a triple, and back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wolfnote.judges import margin
from wolfnote.probe.question import PLAIN, ProbeQuestion
from wolfnote.probe.reading import Settings
from wolfnote.records import Completion

Margins = dict[str, list[float]]
"""By family, in the order of ``judges.margin.triples``; a family in another form than the plain one is ``FAMILY@FORM``."""
KEYS = ("family", "form", "id", "topic", "question")


def margin_rows(read: Mapping[str, Margins], settings: Settings) -> list[dict[str, Any]]:
    """One row a triple with each model's margin: what a plot or a spreadsheet wants."""
    rows = []
    for key in next(iter(read.values()), {}):
        family, _, form = key.partition("@")
        for i, item in enumerate(margin.triples(family, settings.triples)):
            values = {name: round(found[key][i], 5) for name, found in read.items()}
            about = {"family": family, "form": form or PLAIN, "id": item.id, "topic": item.topic, "question": item.question}
            rows.append(about | values)
    return rows


def margins_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Margins]:
    """What ``margin_rows`` wrote, by model."""
    found: dict[str, Margins] = {}
    for row in rows:
        key = row["family"] if row["form"] == PLAIN else f"{row['family']}@{row['form']}"
        for name, value in row.items():
            if name not in KEYS:
                found.setdefault(name, {}).setdefault(key, []).append(value)
    return found


def answer_rows(questions: Sequence[ProbeQuestion], said: Mapping[str, Sequence[Completion]]) -> list[dict[str, Any]]:
    """One row a question with each model's answer, for a page."""
    return [
        {"id": q.id, "question": q.text, "watch_for": q.watch_for, **{name: said[name][i].text for name in said}}
        for i, q in enumerate(questions)
    ]
