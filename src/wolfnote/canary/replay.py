"""The evidence again, from nothing but the log: every entry checked against its hash, every decision against its evidence.

Counting and weighing are the functions that the gateway itself uses, so what comes out is the same, bit for bit; where it is
not, the log or the counters were changed, and the first place is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from wolfnote.canary import folding
from wolfnote.canary.controller import AUTOMATIC, Stage, State, decide, follows
from wolfnote.canary.evidence import Counts, Evidence, Seen, Watch
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Begun, Decided, Entry, Head, verified
from wolfnote.canary.settings import Limits
from wolfnote.errors import RunError


class Replayed(NamedTuple):
    """What the log says, and how it came to be: each decision with its evidence."""

    snapshot: Snapshot
    decisions: tuple[Decided, ...]
    by_replica: dict[str, Counts]


class Replay:
    """An experiment that is being read again, entry by entry."""

    def __init__(self, experiment: str, limits: Limits, at: float) -> None:
        self._state = State(experiment, at=at)
        self._limits = limits
        self._counts = Counts()
        self._watch = Watch()
        self._seen: dict[str, Seen] = {}
        self._last: dict[str, int] = {}
        self.head = Head()
        self.by_replica: dict[str, Counts] = {}
        self.decisions: list[Decided] = []

    @property
    def snapshot(self) -> Snapshot:
        """All that is known after the entries so far."""
        return Snapshot(self._state, self._limits, dict(self._counts), self._watch, self.head)

    def take(self, entry: Entry) -> None:
        """One more entry, in order. Raises ``RunError`` where it contradicts those before it."""
        body = entry.read()
        if isinstance(body, Batch):
            self._observe(body, entry)
        elif isinstance(body, Decided):
            self._decide(body, entry)
        self.head = Head(entry.number, entry.hash)

    def _observe(self, batch: Batch, entry: Entry) -> None:
        if batch.number <= self._last.get(batch.replica, 0):
            raise RunError(f"{entry.experiment}: entry {entry.number} repeats batch {batch.number} of {batch.replica}")
        self._last[batch.replica] = batch.number
        known = {unit: self._seen[unit] for unit in folding.units(batch) if unit in self._seen}
        here = Snapshot(self._state, self._limits, self._counts, self._watch)
        folded = folding.fold(batch, here, known)
        self._counts.update(folded.add)
        self.by_replica.setdefault(batch.replica, Counts()).update(folded.add)
        self._seen.update(folded.seen)
        self._watch = folded.watch

    def _decide(self, decided: Decided, entry: Entry) -> None:
        where = f"{entry.experiment}: entry {entry.number}"
        evidence = self.snapshot.evidence
        if evidence != decided.evidence:
            raise RunError(f"{where} decided on other evidence than the log holds: {_difference(decided.evidence, evidence)}")
        if not follows(self._state, decided.state):
            raise RunError(f"{where}: {decided.state.stage} may not follow {self._state.stage}")
        expected = decide(self._state, evidence, self._limits, decided.state.at)
        automatic = decided.state.who == AUTOMATIC and self._state.stage is not Stage.DRAFT
        if automatic and decided.state != expected:
            raise RunError(f"{where}: nothing in the evidence leads to {decided.state.stage}")
        self._state = decided.state
        self.decisions.append(decided)


def replay(entries: Iterable[Entry]) -> Replayed:
    """The whole log again. Raises ``RunError`` at the first entry that is not what was written, or that does not add up."""
    run: Replay | None = None
    for entry in verified(entries):
        if run is None:
            run = _begun(entry)
        run.take(entry)
    if run is None:
        raise RunError("the log is empty: nothing was observed, and nothing is shown")
    return Replayed(run.snapshot, tuple(run.decisions), run.by_replica)


def compare(replayed: Replayed, live: Snapshot) -> str:
    """Where what the log says and what the store holds differ, in one line; empty when they are the same, bit for bit."""
    for field in ("state", "limits", "head", "watch", "counts"):
        ours, theirs = getattr(replayed.snapshot, field), getattr(live, field)
        if ours != theirs:
            return f"{field}: the log says {ours!r}, the store {theirs!r}"
    return ""


def _begun(entry: Entry) -> Replay:
    body = entry.read()
    if not isinstance(body, Begun):
        raise RunError(f"{entry.experiment}: entry {entry.number} does not begin an experiment")
    return Replay(entry.experiment, body.limits, entry.at)


def _difference(recorded: Evidence, found: Evidence) -> str:
    before, after = msgspec.structs.asdict(recorded), msgspec.structs.asdict(found)
    return next(f"{name} {before[name]!r} ≠ {after[name]!r}" for name in before if before[name] != after[name])
