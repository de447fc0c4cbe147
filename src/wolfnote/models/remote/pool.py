"""Waiting for many slow answers at once.

Threads of our own, not ``concurrent.futures``: Python joins an executor's threads at exit, so that after Ctrl-C a program
would sit out every request in flight and every pause between retries.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Done: TypeAlias = "queue.SimpleQueue[tuple[int, R] | Exception | None]"
"""What workers hand over: a result with its index, an error, or None when they leave."""


def spread(
    work: Callable[[T], R], items: Sequence[T], width: int, stopped: threading.Event
) -> Generator[tuple[int, R], None, None]:
    """(index, ``work(item)``) of every item as soon as it is there, ``width`` at a time, in the caller's thread.

    The first error sets ``stopped``, which ends new work; what is in flight is still handed out (it was paid for), then the
    error is raised. A caller that stops listening (Ctrl-C, or by closing the iterator) sets it too and waits for nothing.
    """
    waiting: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    for item in enumerate(items):
        waiting.put(item)
    done: Done[R] = queue.SimpleQueue()
    workers = min(width, len(items))
    for _ in range(workers):
        threading.Thread(target=_serve, args=(work, waiting, done, stopped), daemon=True).start()
    failures: list[Exception] = []
    try:
        while workers:
            found = done.get()
            if found is None:
                workers -= 1
            elif isinstance(found, Exception):
                failures.append(found)
            else:
                yield found
    finally:
        stopped.set()
    if failures:
        raise failures[0]


def _serve(work: Callable[[T], R], waiting: queue.SimpleQueue[tuple[int, T]], done: Done[R], stopped: threading.Event) -> None:
    """One worker: items until none is left, or until ``stopped``."""
    try:
        while not stopped.is_set():
            index, item = waiting.get_nowait()
            done.put((index, work(item)))
    except queue.Empty:
        pass
    except Exception as error:  # carried over to the caller's thread
        stopped.set()
        done.put(error)
    finally:
        done.put(None)
