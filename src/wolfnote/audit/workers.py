"""Shards to workers: as many processes as there are cores, and never more shards under way than they need.

Any ``concurrent.futures.Executor`` will do: what goes in is a shard (a path and a few numbers, or rows), what comes out is
the path of a folder.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from multiprocessing.connection import wait as until
from pathlib import Path

from wolfnote.audit.scan import Orders, scan
from wolfnote.audit.shards import Shard
from wolfnote.errors import RunError

AHEAD = 2
"""Shards beyond one a worker that wait for one."""
FEW = 2
"""Shards that are read here: starting processes would take longer."""


def scan_all(shards: Iterable[Shard], orders: Orders, executor: Executor | None = None) -> Iterator[Path]:
    """Scan every shard; its folder as soon as it is done, in no order. Without an executor, in processes of our own."""
    shards = iter(shards)
    first = list(islice(shards, FEW + 1))
    if executor is None and len(first) <= FEW:
        yield from (scan(shard, orders) for shard in first)
        return
    with processes() if executor is None else nullcontext(executor) as workers:
        try:
            yield from _bounded(chain(first, shards), orders, workers)
        except BrokenExecutor:
            remedy = "close what else needs memory; the same command goes on from here"
            raise RunError(f"a worker process was ended (out of memory?) → {remedy}") from None


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def processes() -> Iterator[Executor]:
    """One process a core. They are spawned, for a fork would copy locks that other threads hold."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(cores(), context, _begin)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _bounded(shards: Iterator[Shard], orders: Orders, workers: Executor) -> Iterator[Path]:
    pending: set[Future[Path]] = set()
    for shard in shards:
        pending.add(workers.submit(scan, shard, orders))
        if len(pending) >= cores() + AHEAD:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    for future in pending:
        yield future.result()


def _begin() -> None:
    """In a worker: leave Ctrl-C to the parent, and do not outlive it, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    until([sentinel])
    os._exit(1)
