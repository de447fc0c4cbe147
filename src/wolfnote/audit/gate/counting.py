"""Rows of a draw, and what was said of them, counted. A row of which nothing was said is missing, not clean."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from wolfnote.audit.detector import CATEGORIES, Flag
from wolfnote.audit.reader import Accuracy
from wolfnote.settings import Policy

ANY = "any flag"
"""The count of rows with any flag at all: what the article's rule is about."""


class Count(msgspec.Struct, frozen=True):
    """How many of the rows that were read have a flag. ``accuracy`` None = flags are taken at face value."""

    name: str
    flagged: int
    read: int
    accuracy: Accuracy | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.flagged <= self.read:
            raise ValueError(f"{self.name}: {self.flagged} of {self.read} rows is no count")


class Frame(msgspec.Struct, frozen=True):
    """What the counts are to speak for: ``population`` rows of the data, of which ``drawn`` were to be read; all, or at random.

    ``unread`` rows of the data could not be parsed, so that they are in no draw.
    """

    population: int
    drawn: int
    unread: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.drawn <= self.population:
            raise ValueError(f"{self.drawn} rows drawn of {self.population}")


def count(
    draw: Iterable[str],
    said: Mapping[str, Collection[str]],
    categories: Sequence[str] = (ANY, *CATEGORIES),
    accuracy: Mapping[str, Accuracy] | None = None,
) -> list[Count]:
    """A count a category over the rows of the random draw. ``said``: row → its categories, none = clean; a row that is not a
    key was not judged (nobody read it, a reader abstained, two people differ)."""
    judged = [said[row] for row in draw if row in said]
    known = accuracy or {}
    return [
        Count(name, sum(bool(found) if name == ANY else name in found for found in judged), len(judged), known.get(name))
        for name in categories
    ]


def flagged(
    flags: Iterable[tuple[str, Flag]],
    read: Iterable[str],
    *,
    policy: Policy,
    today: datetime.date,
    baseline: AbstractSet[tuple[str, str]] = frozenset(),
) -> dict[str, set[str]]:
    """What detectors said: row → categories, for every row in ``read``. Left out are flags that do not count, whose code is
    waived today, or that the ``baseline`` has: pairs of row id and code."""
    said: dict[str, set[str]] = {row: set() for row in read}
    for row, flag in flags:
        old = (row, flag.code) in baseline
        if row in said and flag.counts and not old and policy.waived(flag.code, today) is None:
            said[row].add(flag.category)
    return said
