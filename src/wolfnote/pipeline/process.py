"""One stage: its command in a process of its own, so that its memory is gone when it ends, and what it is told is exactly what
anyone can repeat by hand. Its folder resumes as that of any command; its progress is handed up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wolfnote import events
from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent
from wolfnote.folder import OTHER, read_result

TRIES = 99
"""Folders of one stage with other settings or data: after so many the check's folder has to be cleared."""
MISSING = "pip install"


class Ended(NamedTuple):
    """How a stage ended: the folder of its finished run, or why there is none."""

    folder: str
    reason: str


def carry_out(name: str, arguments: Sequence[str], config: str, stages: Path, on_event: OnEvent) -> Ended:
    """Run ``wolfnote ARGUMENTS`` into ``stages/NAME``, or beside it where that holds a run with other settings or data.

    Raises ``InputError`` with the command's own line where the mistake is the user's.
    """
    stages.mkdir(exist_ok=True)
    (stages / f"{name}.toml").write_text(config, encoding="utf-8")
    for number in range(1, TRIES):
        folder = stages / (name if number == 1 else f"{name}-{number}")
        command = [*arguments, "--config", str(stages / f"{name}.toml"), "--out", str(folder)]
        code, last = _run(name, command, on_event)
        if code == InputError.exit_code and OTHER in last:
            continue
        if code == InputError.exit_code and MISSING not in last:
            raise InputError(last.removeprefix("wolfnote: "), where=name)
        finished = code in (0, 1, 3) and read_result(folder) is not None
        return Ended(folder.name, "") if finished else Ended("", _why(code, last))
    raise InputError(f"{TRIES} runs with other settings lie here", where=str(stages), remedy="delete what is no longer needed")


def _run(name: str, command: Sequence[str], on_event: OnEvent) -> tuple[int, str]:
    """The exit code and the last line that was said; events are handed on as part of the stage."""
    on_event(Event(name, 0, 0))
    environment = os.environ | {events.VARIABLE: "1"}
    last: deque[str] = deque(maxlen=1)
    with subprocess.Popen(  # noqa: S603 - this interpreter, and arguments without a shell
        [sys.executable, "-m", "wolfnote", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", errors="replace", env=environment,
    ) as process:  # fmt: skip
        try:
            for line in process.stderr or ():
                event = events.heard(line)
                if event is not None:
                    on_event(Event(f"{name}: {event.step}", event.done, event.total))
                elif line.strip():
                    last.append(line.strip())
        except BaseException:
            process.send_signal(signal.SIGINT)  # it keeps what it has done
            raise
    if process.returncode in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    return process.returncode, last[0] if last else ""


def _why(code: int, last: str) -> str:
    if code < 0:
        return f"it was killed ({signal.Signals(-code).name}): {last}"
    return f"it ended with code {code} and no result: {last}"
