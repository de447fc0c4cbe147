"""How the command line talks: progress on stderr, verdict last, one run folder a command."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import report
from wolfnote.events import Event, OnEvent
from wolfnote.folder import RunFolder, read_result
from wolfnote.results import Result


def hold(
    folder: Path, settings: Any, inputs: dict[str, str], work: Callable[[RunFolder, OnEvent], Result], *, fresh: bool = False
) -> Result:
    """Do ``work`` in its run folder with progress, or return what a finished run already holds."""
    with RunFolder.hold(folder, settings, inputs, sys.argv, fresh=fresh) as run, progress() as on_event:
        done = read_result(folder)
        if done is not None:
            note(f"{folder} holds this run, finished; its result follows (another --out runs it again)")
            if not (folder / "report.html").exists():  # killed between result and page
                run.write("report.html", report.render(folder))
            return done
        result = run.finish(work(run, on_event))
        run.write("report.html", report.render(folder))
        return result


def tell(result: Result, folder: Path | None, as_json: bool, lines: Sequence[str] = ()) -> None:
    """The verdict, its reasons, and where the page lies, if the run has one."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    note("")
    for reason in result.reasons:
        note(f"  {reason}")
    note("")
    note(f"{result.verdict.value}" + "".join(f" · {line}" for line in lines))
    if folder is not None:
        note(f"page: {folder / 'report.html'}")


def note(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(text + "\n")


@contextmanager
def progress() -> Iterator[OnEvent]:
    """Live bars on a terminal, one line a step elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def show(event: Event) -> None:
            if event.step not in tasks:
                for task in tasks.values():
                    bars.stop_task(task)
                tasks[event.step] = bars.add_task(event.step, total=None)
            bars.update(tasks[event.step], completed=event.done, total=event.total or None)

        yield show


def _lines() -> OnEvent:
    started = time.monotonic()
    last = [""]

    def show(event: Event) -> None:
        if event.step != last[0]:
            last[0] = event.step
            note(f"{time.monotonic() - started:6.0f} s  {event.step}")

    return show
