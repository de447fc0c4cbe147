"""How the command line talks: progress on stderr, verdict last, one run folder a command."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import events, report
from wolfnote.events import Event, OnEvent
from wolfnote.folder import RunFolder, read_result
from wolfnote.results import Estimate, Result


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


def tell_plan(plan: Result, as_json: bool) -> None:
    """What the run would take; on stderr like all that is told, and as the Result on stdout with ``--json``."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(plan).decode() + "\n")
    note("")
    for reason in plan.reasons:
        note(f"  {reason}")
    note("")
    for estimate in plan.estimates:
        note(f"{estimate.name:>12}  {_amount(estimate)}  ({estimate.method})")
    for unknown in plan.skipped:
        count = f"{unknown.count:,} left out" if unknown.what.startswith("row") else "not known"
        note(f"{unknown.what:>12}  {count}: {unknown.reason}")
    note("")
    note(f"{plan.verdict.value} · the same command without --dry-run makes the run")


def _amount(estimate: Estimate) -> str:
    low, high = estimate.low, estimate.high
    span = "" if low is None or high is None else f" [{_plain(low)}, {_plain(high)}]"
    return f"{_plain(estimate.value)}{span}"


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.2f}"


def note(text: str) -> None:
    """A line on stderr; what is not printable is spelled out, for it may come from a stranger's file."""
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    sys.stderr.write(shown + "\n")


@contextmanager
def progress() -> Iterator[OnEvent]:
    """Live bars with the time left on a terminal, a line now and then elsewhere (``Lines``). Never on stdout.

    With ``WOLFNOTE_EVENTS`` set, events go to stderr as they are, for a ``wolfnote check`` above that shows them.
    """
    if os.environ.get(events.VARIABLE):
        yield _hand_on
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
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


def _hand_on(event: Event) -> None:
    sys.stderr.write(events.line(event))
    sys.stderr.flush()


class Lines:
    """Progress as lines, for a log: one when a step begins, then one every ``EVERY`` seconds with the time left."""

    EVERY = 10.0

    def __init__(self, write: Callable[[str], None] = note, clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._started = self._told = clock()
        self._steps: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Hear an event, and tell it if it is time."""
        now = self._clock()
        if event.step not in self._steps:
            self._steps[event.step] = now
            self._tell(now, event.step)
        elif now - self._told >= self.EVERY and event.total:
            self._tell(now, f"{event.step}: {event.done} of {event.total}{self._left(event, now)}")

    def _tell(self, now: float, text: str) -> None:
        self._told = now
        self._write(f"{now - self._started:6.0f} s  {text}")

    def _left(self, event: Event, now: float) -> str:
        if not event.done:
            return ""
        seconds = (now - self._steps[event.step]) * (event.total - event.done) / event.done
        return f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"
