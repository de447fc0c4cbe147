"""A log as readings: which of its measures decides, what it is about, and which way is better."""

from __future__ import annotations

from wolfnote.bench.imports import Log
from wolfnote.bench.imports.log import Entry
from wolfnote.bench.reading import Kind, Measure, Readings, Value
from wolfnote.bench.settings import Settings

SAFETY = (
    "xstest", "strong_reject", "strongreject", "simple_safety", "simplesafety", "harm", "advbench", "toxi", "bbq", "crows",
    "truthful", "sycophan", "persona", "safety", "refus", "ethic", "bias", "hate", "agentic_misalignment", "mask",
)  # fmt: skip
"""Parts of the names of tasks about safety."""


def readings(log: Log, name: str, refused: dict[str, str], settings: Settings) -> Readings:
    """A log's tasks that were not refused. The first measure of a task is the one that decides."""
    values: dict[Measure, dict[str, Value]] = {}
    for task, measures in log.values.items():
        if task in refused:
            continue
        for at, (title, items) in enumerate(measures.items()):
            measure = Measure(task, title, kind(task, settings), at == 0)
            turned = measure.title in (*log.lower, *settings.lower)
            values[measure] = {key: _value(entry, turned) for key, entry in items.items()}
    return Readings(name, values, refused=refused, skipped=log.skipped)


def kind(task: str, settings: Settings) -> Kind:
    """What a task in a log is about, by its name or the user's word."""
    name = task.lower()
    return "safety" if task in settings.safety or any(part in name for part in SAFETY) else "ability"


def _value(entry: Entry, turned: bool) -> Value:
    return Value(1 - entry.value if turned else entry.value, entry.chance, entry.source)
