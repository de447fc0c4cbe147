"""Reasoning: small problems of ours with an answer that can be checked; sampled and extracted strictly, or weighed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from wolfnote.models import Likelihood
from wolfnote.probe.question import Asked
from wolfnote.probe.weighing import Reading, Weighed


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A problem, its answer, and a wrong answer that a hasty reader would give."""

    id: str
    topic: str
    text: str
    kind: Literal["number", "word", "order"]
    answer: str
    wrong: str


def problems() -> list[Problem]:
    """All of them."""
    raise NotImplementedError


def ask(items: Sequence[Problem]) -> list[Asked]:
    """Each problem with the request to end on a line ``Answer: …``."""
    raise NotImplementedError


def extract(kind: str, text: str) -> str | None:
    """The answer in normal form, or ``None`` where none of the right kind stands behind the last ``Answer:``."""
    raise NotImplementedError


def solved(item: Problem, text: str) -> bool | None:
    """Whether the text answers rightly; ``None``: it gives no answer, which is counted apart."""
    raise NotImplementedError


def weigh(items: Sequence[Problem]) -> list[Weighed]:
    """One prompt an item, with the right and the wrong answer."""
    raise NotImplementedError


def read(items: Sequence[Problem], found: Sequence[tuple[Likelihood, ...]]) -> list[Reading]:
    """``harm``: log p(wrong) − log p(right), nats; ``found`` in the order of ``weigh``."""
    raise NotImplementedError
