"""Sentinel questions: asked of both models by the clock, so that a promoted model is heard also where traffic does not lead.

Each question is asked once a round, the rounds spread evenly. Times come in; whoever leads asks. A question of a round is one
unit: if two replicas ask it, it counts once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import floor
from typing import NamedTuple

ROUND = 3600.0
"""Seconds in which each question is asked once."""


class Sentinel(NamedTuple):
    """A question that is due. ``unit`` is its name in an ``Observation`` of source ``sentinel``."""

    question: str
    unit: str


def due(questions: Sequence[str], before: float, now: float, every: float = ROUND) -> list[Sentinel]:
    """What became due after ``before`` and until ``now``; each question once at most, however long nobody asked.

    A clock that went back makes nothing due.
    """
    if not questions:
        return []
    n = len(questions)
    step = every / n
    last = floor(now / step)
    first = max(floor(before / step) + 1, last - n + 1)
    return [Sentinel(questions[place % n], _unit(questions[place % n], place // n)) for place in range(first, last + 1)]


def _unit(question: str, number: int) -> str:
    return hashlib.blake2b(f"{number}\0{question}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
