"""What a judge is: something that reads a question and an answer, and nothing else, and gives a score.

Judges never learn which model answered. ``blind`` also takes away the order and the repetitions, so that no judge can tell the
arms apart by where an answer stands; whoever asks must let one judge, with one fingerprint, score both arms.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder, remember
from wolfnote.results import Score

CHUNK = 64
"""Answers a record of the run's log."""


class Exchange(NamedTuple):
    """What a judge is shown."""

    question: str
    answer: str


class Judge(Protocol):
    """Scores one aspect of answers, 0–100, higher = more of what ``name`` says; None = it abstained, with the reason."""

    name: str
    """What is scored: ``misaligned``, ``coherent``, ``dark`` …"""

    @property
    def fingerprint(self) -> str:
        """Hash of all that a score depends on: the kind of judge, its rubric or lists, its model."""
        ...

    @property
    def model(self) -> str:
        """Fingerprint of the model that judges; ``""`` where none does."""
        ...

    def score(self, exchanges: Sequence[Exchange], on_event: OnEvent = silent) -> list[Score]:
        """One score for each exchange, in order."""
        ...


def blind(
    judge: Judge, exchanges: Sequence[Exchange], *, folder: RunFolder | None = None, seed: int = 0, on_event: OnEvent = silent
) -> list[Score]:
    """The scores, in the order of ``exchanges``; the judge sees each distinct one once, in an order drawn anew.

    With a folder, what was judged is found in its log.
    """
    order = sorted(set(exchanges))
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    found: dict[Exchange, Score] = {}
    for at in range(0, len(order), CHUNK):
        chunk = order[at : at + CHUNK]
        digest = hashlib.sha256(repr(chunk).encode("utf-8", "surrogatepass")).hexdigest()[:24]
        key = f"judge/{judge.name}/{judge.fingerprint}/{digest}"
        scores = remember(folder, key, lambda chunk=chunk: judge.score(chunk), list[Score])  # type: ignore[misc]
        found |= dict(zip(chunk, scores, strict=True))
        on_event(Event(f"judge: {judge.name}", len(found), len(order)))
    return [found[exchange] for exchange in exchanges]


def not_itself(judges: Sequence[Judge], **judged: str) -> None:
    """Raises ``InputError`` where a judge's model is one of those judged, by fingerprint: models favour their own answers."""
    for judge in judges:
        for name, fingerprint in judged.items():
            if judge.model and judge.model == fingerprint:
                remedy = "name another model as probe.judge, of another family where you can"
                raise InputError(f"the judge is the {name} model itself", where="probe.judge", remedy=remedy)
