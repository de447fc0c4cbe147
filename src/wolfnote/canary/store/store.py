"""What a store does: remember an experiment so that no kill, no restart and no other replica can lose or double it.

Two kinds: ``sqlite.SQLiteStore`` (one process, nothing to install) and ``postgres.PostgresStore`` (any number of replicas).
Whatever is returned from is on the disk. Every method raises ``Unreachable`` when the store does not answer in time: then
nobody knows the state, and nobody is exposed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from wolfnote.canary.assignment import Pin
from wolfnote.canary.controller import State
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Entry, Noted
from wolfnote.canary.settings import Limits
from wolfnote.errors import RunError

Rule = Callable[[Snapshot], State | None]
"""What is decided on what is known: pure, for it is called inside the transaction. It may raise; then nothing is written."""


class Unreachable(RunError):
    """The store did not answer, or did not take what it was given."""


class Kept(msgspec.Struct, frozen=True):
    """A pair of answers to look at, beside the evidence and never part of it. ``body`` is the caller's JSON, redacted."""

    unit: str
    at: float
    flagged: bool
    body: bytes


class Beside(NamedTuple):
    """What is written with a batch and is no evidence: pins by ``assignment.name``, and pairs to look at."""

    pins: Mapping[str, Pin] = {}
    kept: Sequence[Kept] = ()


NOTHING = Beside()


class Store(Protocol):
    """A place for experiments. All methods may be called from one event loop at once."""

    async def begin(self, experiment: str, limits: Limits, facts: dict[str, str], at: float) -> Snapshot:
        """The experiment, made in DRAFT where there was none; one that is there stays as it is."""

    async def experiments(self) -> list[str]:
        """Their names, oldest first."""

    async def state(self, experiment: str) -> State:
        """The state as it is now: the cheap read that renews a lease. Raises ``InputError`` for no such experiment."""

    async def snapshot(self, experiment: str) -> Snapshot:
        """State, counts and head of one moment. Raises ``InputError`` for no such experiment."""

    async def append(self, experiment: str, batch: Batch, at: float, beside: Beside = NOTHING) -> bool:
        """Log and count a batch, with what lies beside it; True once all is on the disk.

        False when it was there already: a replica's numbers rise by one, and a batch sent twice counts once.
        """

    async def note(self, experiment: str, noted: Noted, at: float) -> None:
        """Log a fact."""

    async def decide(self, experiment: str, rule: Rule, at: float) -> Snapshot:
        """Let ``rule`` decide on the snapshot of this moment, write its decision and evidence, and only then return.

        In one transaction: of many who decide at once each sees what the one before decided. Returns the snapshot after it.
        Raises what ``rule`` raises, and ``RunError`` for a state that may not follow (``controller.follows``).
        """

    def entries(self, experiment: str, after: int = 0) -> AsyncIterator[Entry]:
        """The log from entry ``after`` + 1 on."""

    async def by_replica(self, experiment: str) -> dict[str, dict[str, int]]:
        """The counts of each replica; their sum is the snapshot's."""

    async def last_batch(self, experiment: str, replica: str) -> int:
        """The number of the last batch that is there of a replica; 0 of none."""

    async def pinned(self, experiment: str, name: str) -> Pin | None:
        """The pin of that name. What is once pinned to stable stays so."""

    async def kept(self, experiment: str, limit: int = 50, *, flagged: bool = False) -> list[Kept]:
        """The newest pairs, or the newest flagged ones."""

    async def forget(self, experiment: str, before: float) -> int:
        """Delete pairs and pins older than that; return how many. Log and counts stay."""

    async def lead(self, experiment: str, replica: str) -> bool:
        """Whether this replica leads now (webhooks, sentinels): one at most. A leader that vanishes is followed by another."""

    def changes(self, experiment: str, poll: float) -> AsyncIterator[None]:
        """Wakes at every decision, and every ``poll`` seconds in any case."""

    async def close(self) -> None:
        """Give everything back."""
