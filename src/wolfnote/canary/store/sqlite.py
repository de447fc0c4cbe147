"""``Store`` in one SQLite file, for a gateway of one process. Nothing to install, nothing to run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from wolfnote.canary.assignment import Pin
from wolfnote.canary.controller import State
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Entry, Noted
from wolfnote.canary.settings import Limits
from wolfnote.canary.store.database import Database
from wolfnote.canary.store.store import NOTHING, Beside, Kept, Rule, Unreachable

T = TypeVar("T")
TIMEOUT = 10.0
"""Seconds for a write; a disk that takes longer is as good as none."""


class SQLiteStore:
    """See ``Store``. Make one with ``SQLiteStore.open``; all work is done by one thread, in the order of asking."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor) -> None:
        self._database = database
        self._thread = thread
        self._decided = asyncio.Event()

    @classmethod
    async def open(cls, path: Path, *, read_only: bool = False) -> SQLiteStore:
        """Open the file (made where there is none, unless ``read_only``). Raises as ``Database.write`` and ``read`` do."""
        thread = ThreadPoolExecutor(1, "wolfnote-store")
        make = Database.read if read_only else Database.write
        try:
            database = await asyncio.get_running_loop().run_in_executor(thread, make, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(database, thread)

    async def begin(self, experiment: str, limits: Limits, facts: dict[str, str], at: float) -> Snapshot:
        """``Store.begin``."""
        return await self._do(lambda db: db.begin(experiment, limits, facts, at))

    async def experiments(self) -> list[str]:
        """``Store.experiments``."""
        return await self._do(lambda db: db.experiments())

    async def state(self, experiment: str) -> State:
        """``Store.state``."""
        return await self._do(lambda db: db.state(experiment))

    async def snapshot(self, experiment: str) -> Snapshot:
        """``Store.snapshot``."""
        return await self._do(lambda db: db.snapshot(experiment))

    async def append(self, experiment: str, batch: Batch, at: float, beside: Beside = NOTHING) -> bool:
        """``Store.append``."""
        return await self._do(lambda db: db.append(experiment, batch, at, beside))

    async def note(self, experiment: str, noted: Noted, at: float) -> None:
        """``Store.note``."""
        await self._do(lambda db: db.note(experiment, noted, at))

    async def decide(self, experiment: str, rule: Rule, at: float) -> Snapshot:
        """``Store.decide``."""
        snapshot = await self._do(lambda db: db.decide(experiment, rule, at))
        decided, self._decided = self._decided, asyncio.Event()
        decided.set()
        return snapshot

    async def entries(self, experiment: str, after: int = 0) -> AsyncIterator[Entry]:
        """``Store.entries``."""
        while page := await self._page(experiment, after):
            for entry in page:
                yield entry
            after = page[-1].number

    async def by_replica(self, experiment: str) -> dict[str, dict[str, int]]:
        """``Store.by_replica``."""
        return await self._do(lambda db: db.by_replica(experiment))

    async def last_batch(self, experiment: str, replica: str) -> int:
        """``Store.last_batch``."""
        return await self._do(lambda db: db.last_batch(experiment, replica))

    async def pinned(self, experiment: str, name: str) -> Pin | None:
        """``Store.pinned``."""
        return await self._do(lambda db: db.pinned(experiment, name))

    async def kept(self, experiment: str, limit: int = 50, *, flagged: bool = False) -> list[Kept]:
        """``Store.kept``."""
        return await self._do(lambda db: db.kept(experiment, limit, flagged=flagged))

    async def forget(self, experiment: str, before: float) -> int:
        """``Store.forget``."""
        total = 0
        while gone := await self._do(lambda db: db.forget(experiment, before)):
            total += gone
        return total

    async def lead(self, experiment: str, replica: str) -> bool:
        """True: whoever holds the file is the only replica."""
        return True

    async def changes(self, experiment: str, poll: float) -> AsyncIterator[None]:
        """``Store.changes``."""
        while True:
            decided = self._decided
            yield
            try:
                await asyncio.wait_for(decided.wait(), poll)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """``Store.close``: what was begun is finished first."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._thread.shutdown(wait=True)

    async def _page(self, experiment: str, after: int) -> list[Entry]:
        return await self._do(lambda db: db.entries(experiment, after))

    async def _do(self, work: Callable[[Database], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, work, self._database)
        try:
            return await asyncio.wait_for(future, TIMEOUT)
        except TimeoutError:
            raise Unreachable(f"{self._database.path}: no answer within {TIMEOUT:g} s: is the disk well?") from None
