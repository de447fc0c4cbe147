"""How near each question is to the training rows, so that "unrelated" is a fact: TF-IDF cosine to the nearest rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

from wolfnote.probe.question import ProbeQuestion
from wolfnote.records import Sample, Unread


class Zone(StrEnum):
    """Where a question stands to the training."""

    IN = "in-domain"
    NEAR = "near"
    FAR = "far"


class Nearness(msgspec.Struct, frozen=True):
    """How near a question is to the training rows, and which row it is nearest to."""

    question: str
    zone: Zone
    value: float
    """Mean cosine to the nearest rows, as a part of what training rows have among themselves: 1 = like a row of the data."""
    nearest: str
    """``path:line``."""


def nearness(questions: Sequence[ProbeQuestion], rows: Callable[[], Iterable[Sample | Unread]]) -> list[Nearness]:
    """One for each question, in order; ``rows`` is called twice, once to count words and once to compare."""
    raise NotImplementedError
