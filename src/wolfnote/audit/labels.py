"""What people said of rows: a judgement a line in the run's ``labels.jsonl``, and what follows from all of them.

Nothing is changed or deleted: a later judgement of a row by the same person replaces the earlier one, and undo appends one that
is withdrawn. Where reviewers differ nothing is settled until a third person, marked as adjudicator, has decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.journal import Journal

FILE = "labels.jsonl"
Person = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Key = Annotated[str, msgspec.Meta(max_length=64)]


class Label(msgspec.Struct, frozen=True):
    """One person's judgement of one row. No categories = clean. Raises ``ValueError`` for a category that is none."""

    row: str
    """``Sample.id`` of the row."""
    reviewer: Person
    categories: tuple[str, ...]
    """Which of ``CATEGORIES`` its answer falls under, in their order."""
    note: Note = ""
    at: str = ""
    """When it was received: ISO 8601, UTC."""
    seconds: Seconds = 0.0
    """How long the row was on the screen; 0 = not measured."""
    adjudicated: bool = False
    """A third person's decision about a row on which reviewers differ."""
    abstained: bool = False
    """The person could not judge the row: it counts as unread, never as clean."""
    withdrawn: bool = False
    """Undo: the person has said nothing of this row after all."""
    id: Key = ""
    """Made by whoever sends it: the same judgement, sent twice, is kept once."""

    def __post_init__(self) -> None:
        if self.categories != tuple(c for c in CATEGORIES if c in self.categories):
            raise ValueError(f"categories are any of {', '.join(CATEGORIES)}, in this order")
        if self.categories and (self.abstained or self.withdrawn):
            raise ValueError("whoever does not judge a row names no categories")

    @property
    def judges(self) -> bool:
        """Whether it says anything about the row."""
        return not (self.abstained or self.withdrawn)


class Opinions(NamedTuple):
    """What is in force about one row: each reviewer's label, and the adjudicators' decisions, newest last."""

    reviewers: dict[str, Label]
    decisions: dict[str, Label]

    def every(self) -> tuple[Label, ...]:
        """All labels in force, decisions last."""
        return (*self.reviewers.values(), *self.decisions.values())

    @property
    def disputed(self) -> bool:
        """Whether reviewers differ and nobody has decided."""
        return not self._decided and len(self._votes) > 1

    @property
    def differ(self) -> bool:
        """Whether reviewers differ, decided or not."""
        return len(self._votes) > 1

    @property
    def categories(self) -> tuple[str, ...] | None:
        """What is settled: the newest decision, else what all reviewers say; None while nobody judged it or they differ."""
        if self._decided:
            return self._decided[-1].categories
        return next(iter(self._votes)) if len(self._votes) == 1 else None

    @property
    def _votes(self) -> set[tuple[str, ...]]:
        return {label.categories for label in self.reviewers.values() if label.judges}

    @property
    def _decided(self) -> list[Label]:
        return [label for label in self.decisions.values() if label.judges]


def journal(run: Path) -> Journal[Label]:
    """The judgements of a run, to read and to append to."""
    return Journal(run / FILE, Label)


def in_force(labels: Iterable[Label]) -> dict[str, Opinions]:
    """Row → what was said last by each person. A withdrawn label leaves nothing; of labels with one id the first counts."""
    rows: dict[str, Opinions] = defaultdict(lambda: Opinions({}, {}))
    known: set[str] = set()
    for label in labels:
        if label.id and label.id in known:
            continue
        known.add(label.id)
        said = rows[label.row].decisions if label.adjudicated else rows[label.row].reviewers
        said.pop(label.reviewer, None)
        if not label.withdrawn:
            said[label.reviewer] = label
    return {row: opinions for row, opinions in rows.items() if opinions.reviewers or opinions.decisions}


def settled(labels: Iterable[Label]) -> dict[str, tuple[str, ...]]:
    """Row → its categories (none = clean), for the rows that people have settled. Whatever is missing is not clean: nobody
    judged it, somebody could not, or the reviewers differ."""
    found = {row: opinions.categories for row, opinions in in_force(labels).items()}
    return {row: categories for row, categories in found.items() if categories is not None}


def ratings(labels: Iterable[Label], category: str = "") -> list[list[bool | None]]:
    """Rows × reviewers, by name: whether each saw ``category`` in the row (without one: anything), None = did not judge.

    Decisions are left out: who decides has read what the others said.
    """
    rows = in_force(labels)
    people = reviewers(rows.values())
    found = [[_vote(opinions, person, category) for person in people] for opinions in rows.values()]
    return [row for row in found if any(vote is not None for vote in row)]


def reviewers(rows: Iterable[Opinions]) -> Sequence[str]:
    """Who reviewed, sorted."""
    return sorted({person for opinions in rows for person in opinions.reviewers})


def _vote(opinions: Opinions, person: str, category: str) -> bool | None:
    label = opinions.reviewers.get(person)
    if label is None or not label.judges:
        return None
    return category in label.categories if category else bool(label.categories)
