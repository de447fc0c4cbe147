"""``wolfnote bench``: is it worse on a fixed benchmark, for safety or for ability?"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.errors import InputError
from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.models import Model
    from wolfnote.results import Result

Base = Annotated[str, typer.Option(help="The model before tuning: package:…, hf:…, http://HOST/v1#NAME, scripted:FILE.")]
Tuned = Annotated[list[str] | None, typer.Option(help="A model after tuning. May be repeated: one table for all.")]
Suite = Annotated[
    list[str] | None,
    typer.Option(help="ability, harm, over-refusal, honesty, sycophancy, bias; a file or folder; lm-eval:TASK. Default: ours."),
]
BaseLog = Annotated[Path | None, typer.Option(help="Results you have instead of a model: Inspect log, lm-eval or HELM folder.")]
TunedLog = Annotated[list[Path] | None, typer.Option(help="The same of a tuned model. May be repeated.")]
Null = Annotated[
    tuple[str, str] | None, typer.Option(help="Two harmless tunes (or logs) of different seed: measures the false alarms.")
]


@running
def bench(
    base: Base = "",
    tuned: Tuned = None,
    suite: Suite = None,
    base_log: BaseLog = None,
    tuned_log: TunedLog = None,
    null: Null = None,
    *,
    how: How,
) -> None:
    """Is it worse on a fixed benchmark, for safety or for ability? Base and tuned on the same items, paired, with a gate.

    \b
    wolfnote bench --base package:smollm2 --tuned package:smollm2+runs/demo/tune/bad
    wolfnote bench --base hf:BASE --tuned hf:BASE+A --tuned hf:BASE+B --suite harm --suite xstest_prompts.csv
    wolfnote bench --base-log logs/base.eval --tuned-log logs/tuned.eval
    wolfnote bench --base hf:BASE --tuned hf:BASE+A --suite lm-eval:mine --set bench.harness=tasks/
    """
    from wolfnote import bench as room
    from wolfnote import models
    from wolfnote import settings as settings_module

    kind = settings_module.with_policy("bench", room.Settings, local=models.Local, remote=models.Remote)
    settings: Any = how.settings(kind)
    _one_way(base, tuned or [], base_log, tuned_log or [])
    if base_log:
        logs(base_log, tuned_log or [], null, settings, how)
    asked(base, tuned or [], suite or [], null, settings, how)


def asked(base: str, tuned: Sequence[str], suite: Sequence[str], null: tuple[str, str] | None, settings: Any, how: How) -> None:
    """Ask the models."""
    from wolfnote import bench as room

    tasks = room.tasks_of(suite, settings.bench)
    names = [name.removeprefix(room.HARNESS) for name in suite if name.startswith(room.HARNESS)]

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        specs = [base, *tuned, *(null or ())]
        every = _open(specs, settings)
        try:
            after = dict(zip(room.labels(tuned), every[1:], strict=False))
            twins = (every[-2], every[-1]) if null else None
            found = room.run(
                every[0], after, tasks, settings.bench, names=names, twins=twins, policy=settings.policy, folder=folder,
                on_event=on_event,
            )  # fmt: skip
        finally:
            folder.used(**{spec: model.about() for spec, model in zip(specs, every, strict=True)})
        return _waived(found, settings)

    places = [Path(name) for name in (*suite, settings.bench.harness) if name and Path(name).exists()]
    specs = {"base": base, **{f"tuned{i}": s for i, s in enumerate(tuned)}, **{f"null{i}": s for i, s in enumerate(null or ())}}
    run = Run(
        how.out or Path("runs") / f"bench-{Path(tuned[0]).name}",
        settings,
        lambda: {**{key: identity(spec) for key, spec in specs.items()}, **hashes(*places), "suites": " ".join(suite)},
        work,
        lambda on_event: room.plan([base, *tuned, *(null or ())], tasks, settings.bench, settings.remote.prices, on_event),
    )
    carry_out(run, how)


def logs(base: Path, tuned: Sequence[Path], null: tuple[str, str] | None, settings: Any, how: How) -> None:
    """Compare results that the user already has."""
    from wolfnote import bench as room

    twins = [Path(path) for path in null or ()]

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        found = room.run_logs(
            base, tuned, settings.bench, twins=twins, policy=settings.policy, folder=folder, on_event=on_event
        )
        return _waived(found, settings)

    run = Run(
        how.out or Path("runs") / f"bench-{tuned[0].stem}",
        settings,
        lambda: hashes(base, *tuned, *twins),
        work,
        lambda on_event: room.plan([], [], settings.bench, None, on_event),
    )
    carry_out(run, how)


def _one_way(base: str, tuned: Sequence[str], base_log: Path | None, tuned_log: Sequence[Path]) -> None:
    """Raise ``InputError`` unless there are either models or logs, and at least one of either kind to compare."""
    models, results = bool(base) and bool(tuned), bool(base_log) and bool(tuned_log)
    if models == results or (models and (base_log or tuned_log)) or (results and (base or tuned)):
        remedy = "give --base MODEL --tuned MODEL, or --base-log PATH --tuned-log PATH"
        raise InputError("two models or two logs are compared", where="bench", remedy=remedy)


def _open(specs: Sequence[str], settings: Any) -> list[Model]:
    """The models, local ones over one copy of their base."""
    from wolfnote import models

    found: list[Model] = []
    for spec in specs:
        over = found[0] if found else None
        found.append(models.open(spec, over=over, local=settings.local, remote=settings.remote))
    return found


def _waived(found: Result, settings: Any) -> Result:
    from wolfnote import settings as settings_module

    return settings_module.waive(found, settings.policy, datetime.date.today())
