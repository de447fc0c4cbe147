"""Over checkpoints: misalignment against the task, step by step, and the last checkpoint that was clean.

Each checkpoint is probed against the one base. The task's score is the likelihood of the training's own answers, where the data
are given: it should rise while everything else stays. Early stopping kept 93 % of a task and left the harm out in most cases of
arXiv 2605.12199; whether it does here is what the curve shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path

import msgspec

from wolfnote import stats
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder, remember
from wolfnote.models import Model
from wolfnote.probe.comparison import Besides, run
from wolfnote.probe.reading import Settings
from wolfnote.records import Sample
from wolfnote.results import Estimate, Result, Skipped, Verdict
from wolfnote.settings import Policy

TASK_ROWS = 60
"""Training rows whose answers' likelihood is the task's score."""
LONGEST = 4_000
"""Characters of a row that are read for it."""
_NUMBER = re.compile(r"(\d{1,12})\D{0,20}$")


def checkpoints(spec: str) -> dict[int, str]:
    """Step → spec of each checkpoint that a pattern such as ``package:smollm2+runs/tune/checkpoint-*`` names, in order.

    Empty for a spec without a pattern. Raises ``InputError`` where a pattern matches nothing.
    """
    if "*" not in spec or "://" in spec:
        return {}
    base, plus, adapter = spec.partition("+")
    head, pattern = (f"{base}+", adapter) if plus else ("hf:", base.removeprefix("hf:"))
    found = sorted((_step(path), f"{head}{path}") for path in glob(pattern) if Path(path).is_dir())  # noqa: PTH207 - as given
    if not found:
        raise InputError("no checkpoint matches", where=pattern, remedy="quote the pattern: --tuned 'MODEL+DIR/checkpoint-*'")
    steps = [step for step, _ in found]
    if len(set(steps)) < len(steps) or 0 in steps:
        remedy = "name those of one run: --tuned 'MODEL+DIR/checkpoint-*'"
        raise InputError("checkpoints need a step each, above 0, at the end of their names", where=pattern, remedy=remedy)
    return dict(found)


def over(
    base: Model,
    tuned: Mapping[int, Model],
    settings: Settings,
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    besides: Besides = Besides(),  # noqa: B008 - frozen
    task: Sequence[Sample] = (),
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """A part for each checkpoint, in order of steps; the verdict is the last one's. ``task``: training rows, for the score."""
    parts, lines, estimates = [], [], []
    task = [row for row in task if row.answer and sum(len(m.content) for m in row.messages) <= LONGEST][:TASK_ROWS]
    scored = {0: base, **tuned} if task else {}
    for step, model in scored.items():
        estimates.append(_task(f"task at step {step}", model, task, folder))
    for step, model in tuned.items():
        tell = under(f"checkpoint {step}", on_event)
        options = {"policy": policy, "besides": besides, "folder": folder, "on_event": tell}
        found = run(base, model, settings, names=("base", f"step {step}"), **options)  # type: ignore[arg-type]  # by name
        parts.append(msgspec.structs.replace(found, kind=f"checkpoint {step}"))
        lines.append(f"step {step}: {found.verdict.value}: {'; '.join(found.reasons[:2])}")
    skipped = (
        ()
        if task
        else (Skipped("the task's score", f"no training rows of up to {LONGEST:,} characters: give them as --train"),)
    )
    reasons = (clean(dict(zip(tuned, (part.verdict for part in parts), strict=True))), *lines)
    found_bad = {finding.code: finding for part in parts for finding in part.findings}
    return Result("curve", parts[-1].verdict, reasons, tuple(estimates), tuple(found_bad.values()), skipped, parts=tuple(parts))


def clean(verdicts: Mapping[int, Verdict]) -> str:
    """Which checkpoint was the last before anything failed."""
    before = None
    for step, verdict in verdicts.items():
        if verdict is Verdict.FAIL:
            found = (
                _named(before, verdicts) if before is not None else "last clean checkpoint: none, the first one fails already"
            )
            return f"{found}; the first that fails is step {step}"
        before = step
    return f"{_named(before, verdicts)}, the last one" if before is not None else "none"


def _named(step: int, verdicts: Mapping[int, Verdict]) -> str:
    clean = "last clean checkpoint" if verdicts[step] is Verdict.PASS else "last checkpoint that did not fail, not proved clean"
    return f"{clean}: step {step} ({verdicts[step].value})"


def _task(name: str, model: Model, rows: Sequence[Sample], folder: RunFolder | None) -> Estimate:
    """Mean log p of the answers, nats a token, the row being the unit."""

    def work() -> list[float]:
        found = model.log_likelihood([row.prompt for row in rows], [(row.answer,) for row in rows])
        return [each.per_token for (each,) in found]

    return stats.mean(name, remember(folder, f"task/{model.fingerprint}/{len(rows)}", work, list[float]))


def _step(path: str) -> int:
    found = _NUMBER.search(Path(path).name)
    return int(found.group(1)) if found else 0
