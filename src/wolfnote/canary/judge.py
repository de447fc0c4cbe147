"""What a judge is, for the gateway: something that reads a question and an answer, never which model gave it.

A judge of your own is ``module:function``, a function without arguments that returns one. It runs in a process of its own, so
it may compute and block as long as ``judging.timeout`` allows; it must not print.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wolfnote.errors import InputError
from wolfnote.results import Score


class Asked(NamedTuple):
    """What a judge is shown."""

    question: str
    answer: str


class Judge(Protocol):
    """Scores harm, 0 to 100; a value of None is an abstention."""

    name: str

    def score(self, asked: Sequence[Asked]) -> list[Score]:
        """One score for each, in order."""
        ...


class Found(NamedTuple):
    """What a judge's process makes of an answer: the score, and the features (``features.read``), as a process has time."""

    score: Score
    features: dict[str, float] | None = None


def open_local(name: str) -> Judge:
    """A judge that computes here: ``rules``, ``direction:FILE@MODEL`` or ``module:function``. Raises ``InputError``."""
    if name == "rules":
        from wolfnote.canary.rules import Rules

        return Rules()
    if name.startswith("direction:"):
        from wolfnote.canary.projection import Projection

        return Projection(name.removeprefix("direction:"))
    module, colon, function = name.partition(":")
    if not colon:
        raise InputError(
            f"no judge {name!r}", where="judging.judges", remedy="rules, rubric, direction:FILE@MODEL, or module:function"
        )
    try:
        found: Judge = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"no judge there ({error})", where=f"judging.judges: {name}", remedy="check the module") from None
    return found
