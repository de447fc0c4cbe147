"""How an entry of the log changes what is known: one pure function for both stores and for ``replay``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from wolfnote.canary.controller import State
from wolfnote.canary.evidence import Counts, Evidence, Seen, Watch, change, count, count_answered, weigh
from wolfnote.canary.log import Batch, Head
from wolfnote.canary.settings import Limits
from wolfnote.errors import RunError


class Snapshot(msgspec.Struct, frozen=True):
    """All that is known of an experiment after the entry ``head``, but for its units."""

    state: State
    limits: Limits
    counts: dict[str, int] = {}
    watch: Watch = Watch()
    head: Head = Head()

    @property
    def evidence(self) -> Evidence:
        """The evidence so far: weighed anew at each look."""
        return weigh(self.counts, self.watch, self.limits, self.state.accepted)


class Folded(NamedTuple):
    """What a batch adds: counts, what to remember of its units, and the watch after it."""

    add: Counts
    seen: dict[str, Seen]
    watch: Watch


def decoded(state: bytes, limits: bytes, watch: bytes, number: int, last: str) -> Snapshot:
    """A snapshot without its counts, from a store's row. Raises ``RunError`` for one that another version wrote."""
    read = msgspec.json.decode
    try:
        return Snapshot(read(state, type=State), read(limits, type=Limits), {}, read(watch, type=Watch), Head(number, last))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(f"a store of another version ({error}): read it with the Wolfnote that wrote it") from None


def units(batch: Batch) -> list[str]:
    """The units that a batch is about: what must be known of them before it is folded."""
    named = [observation.unit for observation in batch.observations] + [answered.unit for answered in batch.answered]
    return list(dict.fromkeys(named))


def fold(batch: Batch, snapshot: Snapshot, known: Mapping[str, Seen]) -> Folded:
    """Count a batch. ``known`` holds what is remembered of ``units(batch)``; a unit that is not in it is new."""
    add = Counts(batch.counters)
    seen = dict(known)
    watch = snapshot.watch
    for observation in batch.observations:
        counted = count(observation, seen.get(observation.unit, Seen()), snapshot.limits.turns)
        add.update(counted.add)
        seen[observation.unit] = counted.seen
        if snapshot.state.promoted:
            watch = change.step(watch, counted, snapshot.limits.tolerated)
    for answered in batch.answered:
        counted = count_answered(answered, seen.get(answered.unit, Seen()))
        add.update(counted.add)
        seen[answered.unit] = counted.seen
    return Folded(add, {unit: seen[unit] for unit in units(batch)}, watch)
