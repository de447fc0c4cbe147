"""What both models said to one prompt with one draw: the unit that is judged, counted and shown. Needs no model.

A pair is whole or left out: where one arm gave no answer, the other's is not counted either, so that a failing call biases
neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from wolfnote.probe.question import PLAIN

Kind = Literal["misaligned", "leakage", "incoherent", "refusal", "fine", "unread"]
ARMS = ("base", "tuned")


class Side(msgspec.Struct, frozen=True):
    """One arm's answer, how it was scored, and what it is."""

    text: str
    kind: Kind = "unread"
    scores: dict[str, float | None] = {}
    """By aspect, 0–100; None = the judge abstained."""
    reasons: dict[str, str] = {}
    """What a judge said of it, where it said anything."""


class Pair(msgspec.Struct, frozen=True):
    """Both arms' answers to one prompt, ``draw`` numbered from 0."""

    question: str
    form: str
    topic: str
    asked: str
    draw: int
    base: Side
    tuned: Side
    watch_for: str = ""
    variant: int = 0
    zone: str = ""
    """Where the question stands to the training: far, near or in-domain; "" where that is not known."""

    @property
    def place(self) -> tuple[object, ...]:
        """Which prompt and draw it is; its own among all pairs of a run."""
        return self.question, self.form, self.variant, self.draw

    @property
    def counts(self) -> bool:
        """Whether a gate may count it: read, and unrelated to the training."""
        return self.read and self.zone != "in-domain"

    @property
    def read(self) -> bool:
        """Whether both answers could be classed."""
        return "unread" not in (self.base.kind, self.tuned.kind)


def rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """For a table of the run folder; ``of_rows`` reads them back."""
    return [msgspec.to_builtins(pair) for pair in pairs]


def of_rows(found: Sequence[dict[str, Any]]) -> list[Pair]:
    """What ``rows`` wrote."""
    return msgspec.convert(found, list[Pair])


def worn(pairs: Iterable[Pair], form: str = PLAIN) -> list[Pair]:
    """The pairs whose prompt wears this form."""
    return [pair for pair in pairs if pair.form == form]


def forms(pairs: Iterable[Pair]) -> list[str]:
    """Every form, the plain one first."""
    found = dict.fromkeys(pair.form for pair in pairs)
    return sorted(found, key=lambda form: form != PLAIN)


def until(pairs: Iterable[Pair], look: int) -> list[Pair]:
    """The pairs of the first ``look`` draws."""
    return [pair for pair in pairs if pair.draw < look]


def looks(samples: int) -> tuple[int, ...]:
    """After how many draws a question the evidence is looked at: 1, 2, 4, …, and ``samples``."""
    found = []
    look = 1
    while look < samples:
        found.append(look)
        look *= 2
    return (*found, samples)
