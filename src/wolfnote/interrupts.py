"""Ctrl-C. The first one unwinds the program, a second one ends it at once, and neither tears a file.

A run may be killed at any moment (``folder``), so ending at once loses at most the piece of work in hand. What must not happen
is an exception between a line in the log and its place in memory: ``postponed`` keeps the signal out of there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

STOPPED = "wolfnote: stopped; the same command goes on from here"
EXIT_CODE = 3


def listen() -> None:
    """Take over SIGINT in this process: ``KeyboardInterrupt`` at first, then the end. For a program's main thread only."""
    signal.signal(signal.SIGINT, _first)


@contextmanager
def postponed() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done. In other threads nothing is needed: signals reach the main one only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if waiting:
            signal.raise_signal(waiting[0])


def end() -> NoReturn:
    """Say that the program stopped, and end it now.

    Not by way of the interpreter's shutdown: it waits for threads, and takes our handler away while it does.
    """
    with contextlib.suppress(OSError):  # nobody may be listening any more
        os.write(2, f"\n{STOPPED}\n".encode())
    os._exit(EXIT_CODE)


def _first(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGINT, lambda *_: end())
    raise KeyboardInterrupt
