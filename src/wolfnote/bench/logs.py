"""Two logs as readings that may be compared; a task in which they did not ask the same is refused, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wolfnote.bench import null
from wolfnote.bench.comparison import BASE, compare
from wolfnote.bench.imports import Log, read
from wolfnote.bench.logged import readings
from wolfnote.bench.settings import Settings, labels
from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.results import Result
from wolfnote.settings import Policy

SHARED = 0.5
"""Share of the base's items that a tuned log must have: below it, the two are of different benchmarks."""


def run_logs(
    base: Path,
    tuned: Sequence[Path],
    settings: Settings,
    *,
    twins: Sequence[Path] = (),
    policy: Policy = Policy(),  # noqa: B008 - frozen
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """The verdict on results that exist already. Raises ``InputError`` where nothing in them can be compared."""
    paths = [base, *tuned, *twins]
    found = []
    for path in paths:
        found.append(read(path))
        on_event(Event("read logs", len(found), len(paths)))
    names = [BASE, *labels([str(path) for path in tuned]), *null.NAMES]
    refused = [refusals(found[0], log) for log in found]
    if all(set(why) >= set(found[0].values) for why in refused[1 : 1 + len(tuned)]):
        first = next(iter(refused[1].items()), ("", "no task"))
        message = f"nothing can be compared with {base}: {first[0]}: {first[1]}"
        raise InputError(message, where=str(tuned[0]), remedy="evaluate both models with the same tasks, prompts and template")
    known = [readings(log, name, why, settings) for log, name, why in zip(found, names, refused, strict=False)]
    pair = known[1 + len(tuned) :]
    return compare(known[0], known[1 : 1 + len(tuned)], pair, policy=policy, folder=folder)


def refusals(base: Log, other: Log) -> dict[str, str]:
    """By task of either log, why the two cannot be paired there."""
    found: dict[str, str] = {}
    for task in {**base.values, **other.values}:
        if task not in base.values or task not in other.values:
            found[task] = f"not in {other.path if task in base.values else base.path}"
        elif why := _differs(base, other, task):
            found[task] = why
    return found


def _differs(base: Log, other: Log, task: str) -> str:
    if base.tool != other.tool:
        return f"one log is of {base.tool}, the other of {other.tool}"
    ours, theirs = base.conditions.get(task, {}), other.conditions.get(task, {})
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            return f"not the same {name} ({_short(ours.get(name))} and {_short(theirs.get(name))})"
    before, after = _asked(base, task), _asked(other, task)
    both = before.keys() & after.keys()
    if len(both) < SHARED * len(before) or not both:
        return f"only {len(both)} of {len(before)} documents are in both logs"
    differing = sum(before[key] != after[key] for key in both)
    return f"the prompt or target hash differs in {differing} of {len(both)} documents" if differing else ""


def _asked(log: Log, task: str) -> dict[str, str]:
    return {key: entry.asked for items in log.values[task].values() for key, entry in items.items()}


def _short(value: str | None) -> str:
    return (value or "none")[:16]
