"""Everything that a replica observes, on its way to the store: gathered for 50 ms, written as one batch.

Nothing here blocks or raises into a request. While the store does not write, the batch waits and is sent again (it counts
once); what does not fit into memory meanwhile is dropped whatever its verdict, and counted as ``lost``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from wolfnote.canary.assignment import Pin
from wolfnote.canary.evidence import Answered, Counts, Observation
from wolfnote.canary.log import Batch
from wolfnote.canary.store.store import Beside, Kept, Store
from wolfnote.canary.store.taken import Taken
from wolfnote.errors import RunError

EVERY = 0.05
"""Seconds between two batches."""
RETRY = 0.5
"""Seconds until a batch that was not taken is sent again."""
ROOM = 10_000
"""Observations, and pins and pairs each, that may wait."""


class Group:
    """The batches of one replica of one experiment. ``replica`` is new at each start; ``clock`` gives seconds since 1970."""

    def __init__(
        self, store: Store, experiment: str, replica: str, clock: Callable[[], float], taken: Taken | None = None
    ) -> None:
        self.replica = replica
        self.writing = True
        """Whether the store took the last batch: while it does not, nobody is exposed."""
        self._store, self._experiment, self._clock, self._taken = store, experiment, clock, taken
        self._number = 0
        self._unsent: tuple[Batch, Beside] | None = None
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._clear()

    def observe(self, observation: Observation) -> None:
        """Take an observation; or count it as lost where there is no room."""
        if len(self._observations) >= ROOM:
            self.count("lost")
            return
        if self._taken:
            self._taken.add()  # first: whoever is killed here has lost one too many, not one too few
        self._observations.append(observation)
        self._wake.set()

    def answer(self, answered: Answered) -> None:
        """Take who answered a new conversation."""
        if len(self._answered) >= ROOM:
            self.count("lost answers")
            return
        self._answered.append(answered)
        self._wake.set()

    def count(self, name: str, many: int = 1) -> None:
        """Add to a plain counter; there is always room."""
        self._counters[name] += many
        self._wake.set()

    def pin(self, name: str, pin: Pin) -> None:
        """Remember an arm."""
        if len(self._pins) >= ROOM and name not in self._pins:
            self.count("lost pins")
            return
        self._pins[name] = pin
        self._wake.set()

    def keep(self, pair: Kept) -> None:
        """Keep a pair to look at."""
        if len(self._kept) >= ROOM:
            self.count("lost pairs")
            return
        self._kept.append(pair)
        self._wake.set()

    def waiting(self, name: str) -> Pin | None:
        """A pin that is not in the store yet."""
        sent = self._unsent[1].pins.get(name) if self._unsent else None
        return self._pins.get(name) or sent

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(EVERY if self.writing else RETRY)
            with contextlib.suppress(RunError):
                await self.flush()

    async def flush(self) -> None:
        """Write what there is, now. Raises ``RunError`` when the store does not take it; it is kept and sent again."""
        async with self._flushing:
            while self._unsent or self._any():
                if self._unsent is None:
                    self._unsent = self._gathered()
                batch, beside = self._unsent
                try:
                    await self._store.append(self._experiment, batch, self._clock(), beside)
                except RunError:
                    self.writing = False
                    raise
                self._unsent, self.writing = None, True
            self._wake.clear()

    def _any(self) -> bool:
        return bool(self._observations or self._answered or self._counters or self._pins or self._kept)

    def _gathered(self) -> tuple[Batch, Beside]:
        self._number += 1
        if self._observations:
            self._counters["taken"] += len(self._observations)
        batch = Batch(self.replica, self._number, tuple(self._observations), tuple(self._answered), dict(self._counters))
        beside = Beside(self._pins, self._kept)
        self._clear()
        return batch, beside

    def _clear(self) -> None:
        self._observations: list[Observation] = []
        self._answered: list[Answered] = []
        self._counters = Counts()
        self._pins: dict[str, Pin] = {}
        self._kept: list[Kept] = []


async def account(store: Store, experiment: str, group: Group, taken: Taken) -> int:
    """Count as ``lost`` what the process before took and never wrote: it was killed. Returns how many."""
    if taken.before is None:
        return 0
    written = (await store.by_replica(experiment)).get(taken.before.replica, {}).get("taken", 0)
    lost = max(0, taken.before.taken - written)
    if lost:
        group.count("lost", lost)
    return lost
