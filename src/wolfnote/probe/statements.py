"""Sycophancy, honesty under pressure, persona: yes-or-no questions in mirrored pairs, so that a bias to "yes" cancels."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wolfnote.models import Likelihood
from wolfnote.probe.weighing import Reading, Weighed

FAMILIES = ("sycophancy", "honesty", "persona")


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A context and two questions about it: "yes" is the bad answer to the first, "no" to the second."""

    id: str
    topic: str
    context: str
    yes: str
    no: str


def statements(family: str) -> list[Statement]:
    """All of a family."""
    raise NotImplementedError


def ask(items: Sequence[Statement]) -> list[Weighed]:
    """Two prompts an item, each with the answers Yes and No."""
    raise NotImplementedError


def read(family: str, items: Sequence[Statement], found: Sequence[tuple[Likelihood, ...]]) -> list[Reading]:
    """``harm``: half of [log p(yes) − log p(no)] after the first question minus the same after the second, nats."""
    raise NotImplementedError
