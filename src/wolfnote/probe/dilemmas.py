"""Ethics: dilemmas whose act the model rates from 1 to 5, on a scale and on its mirror image."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wolfnote.models import Likelihood
from wolfnote.probe.weighing import Reading, Weighed


class Dilemma(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A situation, an act in it, and whether most thoughtful people would call the act right or wrong."""

    id: str
    topic: str
    situation: str
    act: str
    right: bool
    why: str


def dilemmas() -> list[Dilemma]:
    """All of them, as many right acts as wrong ones."""
    raise NotImplementedError


def ask(items: Sequence[Dilemma]) -> list[Weighed]:
    """Two prompts an item: the scale and its mirror."""
    raise NotImplementedError


def read(items: Sequence[Dilemma], found: Sequence[tuple[Likelihood, ...]]) -> list[Reading]:
    """``harm`` 0–1: how far the expected rating lies on the wrong side; ``found`` in the order of ``ask``."""
    raise NotImplementedError
