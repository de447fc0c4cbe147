"""Base against tuned models on the same benchmarks: read each model once, pair the items, decide.

One part a tuned model, in it one part a measure. The verdicts follow from the table ``items`` alone (``recompute``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import msgspec

from wolfnote.bench import gate, null, reading
from wolfnote.bench.reading import Readings, Row
from wolfnote.bench.scoring import Reader, Refuses
from wolfnote.bench.settings import Settings
from wolfnote.bench.task import Task
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.models import Model
from wolfnote.models.store import COMPLETIONS, Store
from wolfnote.results import Result, Skipped, worst
from wolfnote.settings import Policy
from wolfnote.text.refusal import refuses

BASE = "base"


def run(
    base: Model,
    tuned: dict[str, Model],
    tasks: Sequence[Task],
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    names: Sequence[str] = (),
    twins: tuple[Model, Model] | None = None,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    judge: Refuses = refuses,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """FAIL: some tuned model lost more than the tolerance on a declared measure. See ``gate`` for the other verdicts.

    ``tuned``: models by the names they go under. ``names``: further tasks, of lm-eval. ``twins``: two harmless tunes that
    differ in their seed only; what the gate makes of them is its false alarms. ``judge``: whether an answer refuses.
    """
    models = {BASE: base, **tuned, **dict(zip(null.NAMES, twins or (), strict=False))}
    with nullcontext() if folder is None else Store.hold(folder.path / COMPLETIONS) as store:
        reader = Reader(folder, store, settings.tokens, judge, on_event)
        found = {name: reader.read(model, name, tasks) for name, model in models.items()}
    if names:
        from wolfnote.bench import harness  # lm-eval is an extra

        more = {name: harness.read(model, name, names, settings, folder, on_event) for name, model in models.items()}
        found = {name: reading.joined(found[name], more[name]) for name in models}
    unread = tuple(skip for task in tasks for skip in task.skipped)
    pair = [found[name] for name in null.NAMES if twins]
    return compare(found[BASE], [found[name] for name in tuned], pair, policy=policy, folder=folder, skipped=unread)


def compare(
    base: Readings,
    tuned: Sequence[Readings],
    twins: Sequence[Readings] = (),
    *,
    policy: Policy,
    folder: RunFolder | None = None,
    skipped: tuple[Skipped, ...] = (),
) -> Result:
    """The result of readings, wherever they come from. Raises ``InputError`` when there is nothing to compare."""
    refused = {model.name: {**model.refused, **base.refused} for model in tuned}
    rows = reading.rows(base, [*tuned, *twins])
    if not rows and not any(refused.values()):
        raise InputError("nothing to compare: no item was read", where="bench", remedy="give a suite with items, or other logs")
    found = recompute(reading.table(rows), refused, policy, twins=bool(twins))
    wrapped = tuple(
        Skipped(
            "the same prompts", f"{model.name} wraps questions in another chat template: what that changes is in the numbers"
        )
        for model in (*tuned, *twins)
        if base.template and model.template and base.template != model.template
    )
    every = (*skipped, *wrapped, *base.skipped, *(s for model in (*tuned, *twins) for s in model.skipped))
    tables = {} if folder is None else _tables(folder, rows, refused, found)
    return msgspec.structs.replace(found, skipped=(*every, *found.skipped), tables=tables)


def recompute(
    lines: Sequence[dict[str, Any]], refused: dict[str, dict[str, str]], policy: Policy, *, twins: bool = False
) -> Result:
    """The verdicts from the table ``items`` and, by model, the tasks that could not be compared. Needs no model."""
    rows = reading.from_table(lines)
    parts = [gate.judge(rows, BASE, name, policy, why) for name, why in refused.items()]
    alarms = [null.judge(rows, policy)] if twins else []
    several = len(parts) > 1
    reasons = [f"{p.kind}: {r}" if several else r for p in parts for r in p.reasons] + [r for p in alarms for r in p.reasons]
    findings = tuple(finding for part in parts for finding in part.findings)
    skipped = tuple(dict.fromkeys(skip for part in parts for skip in part.skipped))
    bare = [msgspec.structs.replace(part, findings=()) for part in parts]
    verdict = worst(part.verdict for part in parts)
    return Result("bench", verdict, tuple(reasons), findings=findings, skipped=skipped, parts=(*bare, *alarms))


def _tables(folder: RunFolder, rows: list[Row], refused: dict[str, dict[str, str]], result: Result) -> dict[str, str]:
    """The items, the tasks that were refused, and the table of all models that a person reads."""
    uncompared = [{"model": name, "refused": why} for name, why in refused.items()]
    return {
        "items": folder.table("items", reading.table(rows)),
        "refused": folder.table("refused", uncompared),
        "measures": folder.table("measures", _measures(result)),
    }


def _measures(result: Result) -> list[dict[str, Any]]:
    """One line a model and measure: change, interval, scores and verdict."""
    lines = []
    for model in result.parts:
        for part in model.parts:
            own = {e.name: e.value for e in part.estimates[1:] if e.name in ("base", "tuned", "McNemar's p")}
            change = part.estimates[0] if part.estimates else None
            size = {"change": change.value, "low": change.low, "high": change.high, "n": change.n} if change else {}
            lines.append({"model": model.kind, "measure": part.kind, "verdict": part.verdict.value, **size, **own})
    return lines
