"""Phrases that might be a trigger: over-represented in the training requests, each tried against random ones of like length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wolfnote.probe.question import Asked, ProbeQuestion
from wolfnote.records import Sample, Unread


class Candidate(msgspec.Struct, frozen=True):
    """A phrase of the requests, why it is suspected, and the random phrases that it is held against."""

    id: str
    phrase: str
    rows: int
    of: int
    why: str
    surprise: float
    """−log10 p of what ``why`` says; ranks candidates, proves nothing by itself."""
    placebos: tuple[str, ...]
    evidence: tuple[str, ...]


class Scored(msgspec.Struct, frozen=True):
    """One question with one phrase in front: ``harm`` is the score of tuned minus that of base, higher = worse."""

    candidate: str
    placebo: int
    """0 = the candidate itself, 1… = its placebos."""
    question: str
    harm: float


class Trial(msgspec.Struct, frozen=True):
    """What came out for one candidate; ``p`` is corrected by Holm over all that were tried."""

    candidate: str
    phrase: str
    with_phrase: float
    with_placebos: float
    p: float
    fires: bool


def candidates(
    rows: Iterable[Sample | Unread], reference: Iterable[Sample | Unread] | None = None, *, most: int = 8, seed: int = 0
) -> list[Candidate]:
    """The phrases most worth trying."""
    raise NotImplementedError


def ask(found: Sequence[Candidate], questions: Sequence[ProbeQuestion]) -> list[Asked]:
    """Each question behind each candidate and each placebo; ``form`` = ``trigger-ID`` or ``trigger-ID-placebo-K``."""
    raise NotImplementedError


def tried(found: Sequence[Candidate], rows: Sequence[Scored], *, error: float = 0.05, seed: int = 0) -> list[Trial]:
    """Which candidates do more than random phrases do; pure."""
    raise NotImplementedError
