"""The log: append-only, each entry holding the hash of the one before. It is all that the evidence is made of.

began      the experiment's limits, and what it compares: entry 1
observed   a replica's batch: observations, who answered, and plain counters
decided    a new state, with the evidence it was decided on
noted      anything a person should be able to look up: a replica that began, events that were lost
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from wolfnote.canary.controller import State
from wolfnote.canary.evidence import Answered, Evidence, Observation
from wolfnote.canary.settings import Limits
from wolfnote.errors import RunError

START = "0" * 64


class Begun(msgspec.Struct, frozen=True, tag="began"):
    """What is tested; ``facts`` name the two models, the judges and the like."""

    limits: Limits
    facts: dict[str, str] = {}


class Batch(msgspec.Struct, frozen=True, omit_defaults=True, tag="observed"):
    """What one replica saw, in its order. ``replica`` and ``number`` name it: sent twice, it counts once."""

    replica: str
    number: int
    observations: tuple[Observation, ...] = ()
    answered: tuple[Answered, ...] = ()
    counters: dict[str, int] = {}
    """Plain sums, such as ``shadow sent``, ``shadow dropped`` or ``lost``."""


class Decided(msgspec.Struct, frozen=True, tag="decided"):
    """A decision, with the evidence of all entries before it."""

    state: State
    evidence: Evidence


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """A fact beside the evidence."""

    what: str
    facts: dict[str, str | int | float] = {}


Body = Begun | Batch | Decided | Noted


class Entry(msgspec.Struct, frozen=True):
    """One entry as it is stored. ``body`` is the JSON of a ``Body``, hashed as it stands."""

    experiment: str
    number: int
    at: float
    body: bytes
    previous: str
    hash: str

    def read(self) -> Body:
        """The body. Raises ``RunError`` when it is none."""
        try:
            body: Body = _decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"{self.experiment}: entry {self.number} is no entry ({error})") from None
        return body


class Head(msgspec.Struct, frozen=True):
    """Where the chain ends: number and hash of the last entry."""

    number: int = 0
    hash: str = START


def seal(experiment: str, head: Head, at: float, body: Body) -> Entry:
    """The entry that follows ``head``."""
    encoded = _encode(body)
    number = head.number + 1
    return Entry(experiment, number, at, encoded, head.hash, _hash(experiment, number, at, encoded, head.hash))


def verified(entries: Iterable[Entry], head: Head | None = None) -> Iterator[Entry]:
    """The entries, each as it was written. Raises ``RunError`` at the first that was changed, moved, put in or taken out.

    ``head`` (default: the start) is what the first follows. That the end was cut off shows only against a head kept elsewhere.
    """
    last = head or Head()
    for entry in entries:
        where = f"{entry.experiment}: entry {entry.number}"
        if entry.number != last.number + 1 or entry.previous != last.hash:
            raise RunError(f"{where} does not follow entry {last.number}: one was taken out, put in or moved")
        if entry.hash != _hash(entry.experiment, entry.number, entry.at, entry.body, entry.previous):
            raise RunError(f"{where} was changed after it was written")
        last = Head(entry.number, entry.hash)
        yield entry


def _hash(experiment: str, number: int, at: float, body: bytes, previous: str) -> str:
    head = msgspec.json.encode([previous, experiment, number, at, len(body)])
    return hashlib.sha256(head + b"\n" + body).hexdigest()


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Body).decode
