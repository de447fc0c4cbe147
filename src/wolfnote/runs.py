"""A run as a command asks for it: made in its folder, or with ``--dry-run`` only planned."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import typer

from wolfnote.options import How

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result


class Run(NamedTuple):
    """A run to be made or, with ``--dry-run``, only planned; ``inputs`` is asked for late, for hashing weights takes time."""

    folder: Path
    settings: Any
    inputs: Callable[[], dict[str, str]]
    work: Callable[[RunFolder, OnEvent], Result]
    plan: Callable[[OnEvent], Result]


def carry_out(
    run: Run, how: How, *, last_lines: Callable[[Result], Sequence[str]] = lambda _: (), fresh: bool = False
) -> NoReturn:
    """Make the run, or say what it would take; then leave with the exit code."""
    from wolfnote import terminal

    if how.dry_run:
        with terminal.progress() as on_event:
            plan = run.plan(on_event)
        terminal.tell_plan(plan, how.as_json)
        raise typer.Exit(0)
    result = terminal.hold(run.folder, run.settings, run.inputs(), run.work, fresh=fresh)
    terminal.tell(result, run.folder, how.as_json, last_lines(result))
    raise typer.Exit(result.verdict.exit_code)


def identity(spec: str) -> str:
    """What a finished run with this model is valid for (``models.identity``, loaded late)."""
    from wolfnote import models

    return models.identity(spec)


def login() -> str:
    """Whoever runs the command, by the system's name for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "unknown"


def hashes(*data: Path) -> dict[str, str]:
    """The content of data files or folders, by hash: what a finished run is valid for."""
    from wolfnote.folder import content_hash

    return {f"data{n or ''}": content_hash(path) for n, path in enumerate(data)}
