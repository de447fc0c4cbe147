"""``wolfnote init`` and ``wolfnote check``: the gate from one file."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.errors import InputError
from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.pipeline import Settings
    from wolfnote.results import Result

FILE = Path("wolfnote.toml")
Preset = Annotated[str, typer.Option(help="article: the founding article's numbers, and its five points ticked or not.")]


def init(
    file: Annotated[Path, typer.Argument(help="Where to write.")] = FILE,
    data: Annotated[list[str] | None, typer.Option(help="Training rows; may be repeated.")] = None,
    base: Annotated[str, typer.Option(help="The model before tuning.")] = "",
    tuned: Annotated[str, typer.Option(help="The model after tuning; 'tune' = let the check tune.")] = "",
    directions: Annotated[str, typer.Option(help="The folder of 'wolfnote direction extract'.")] = "",
    preset: Preset = "",
) -> None:
    """Write a short, commented wolfnote.toml. On a terminal it asks for what no flag says.

    \b
    wolfnote init --data tickets.jsonl                                            only the data, before tuning
    wolfnote init --data tickets.jsonl --tuned package:smollm2+runs/tune/adapter
    wolfnote init --data tickets.jsonl --tuned tune --preset article
    """
    from wolfnote import terminal
    from wolfnote.pipeline import draft

    if file.exists():
        raise InputError("is there already", where=str(file), remedy="edit it, or name another file")
    settings = _asked(tuple(data or ()), base, tuned, directions, preset)
    try:
        file.write_text(draft(settings, datetime.date.today().year + 1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"not written ({error.strerror})", where=str(file), remedy="name another file") from None
    terminal.note(f"wrote {file} · now: wolfnote check" + ("" if file == FILE else f" {file}"))


@running
def check(
    file: Annotated[Path, typer.Argument(help="What to check, as 'wolfnote init' writes it.")] = FILE,
    preset: Preset = "",
    *,
    how: How,
) -> None:
    """Ship or don't ship: every configured stage, one verdict, one page. Stages that have finished are not repeated.

    Exit code 0: all that ran and all that is required passed; 1: something failed; 3: something could not be told.

    \b
    wolfnote check
    wolfnote check --preset article
    wolfnote check release.toml --out runs/release-7 --set check.tuned=package:smollm2+runs/tune/adapter
    """
    from wolfnote import pipeline
    from wolfnote.folder import content_hash
    from wolfnote.pipeline.check import renew
    from wolfnote.pipeline.stages import STAGES

    given = (*([f'check.preset="{preset}"'] if preset else []), *how.set_)
    settings = pipeline.load(how.config or file, given, STAGES)
    pipeline.check.check(settings)
    folder = how.out or Path("runs") / "check"

    def work(run: RunFolder, on_event: OnEvent) -> Result:
        return pipeline.run(settings, folder=run, on_event=on_event)

    if not how.dry_run:
        renew(folder)
    inputs = {f"data{n or ''}": content_hash(Path(path)) for n, path in enumerate(settings.check.data)}
    todo = Run(folder, settings, lambda: inputs, work, lambda _: pipeline.plan(settings))
    carry_out(todo, how, last_lines=lambda _: [f"now: wolfnote bundle {folder} --out evidence.zip"])


def _asked(data: tuple[str, ...], base: str, tuned: str, directions: str, preset: str) -> Settings:
    """The settings from flags, and on a terminal from a few questions for what no flag says."""
    from wolfnote.pipeline import Settings

    ask: Any = typer.prompt if sys.stdin.isatty() and not (data or tuned) else (lambda _, default: default)
    if preset not in ("", "article"):
        raise InputError(f"no such preset: {preset}", where="--preset", remedy="article, or none")
    first = ask("Training rows (a file or a folder)", default=" ".join(data))
    before = ask("The model before tuning", default=base or "package:smollm2")
    after = ask("The model after tuning ('tune' = let the check tune, empty = none yet)", default=tuned)
    rows = data or ((first,) if first else ())
    require = ("audit", "probe") if after else ("audit",)  # before tuning there is only the data to pass
    return Settings(rows, before, after, directions=directions, preset=preset, require=require)  # type: ignore[arg-type]
