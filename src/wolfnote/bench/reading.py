"""What was read of one model: a value for each item of each measure. What the gate, the logs and the tables share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from wolfnote.results import Skipped

Kind = Literal["ability", "harm", "over-refusal", "safety"]
"""What a benchmark is about: ability; refusal of harm; answering what only sounds harmful; other safety."""


class Measure(msgspec.Struct, frozen=True):
    """A number of a benchmark, in [0, 1], more being better. The gate decides on ``declared`` ones; others are shown."""

    task: str
    name: str
    kind: Kind
    declared: bool

    @property
    def title(self) -> str:
        """How it is named wherever it is told."""
        return f"{self.task}: {self.name}"


class Value(NamedTuple):
    """One item's value, what guessing would give, what it shares its origin with, and the question for a person to read."""

    value: float
    chance: float
    source: str
    text: str = ""


class Readings(NamedTuple):
    """One model's values by measure and item id. ``template`` hashes what every prompt was wrapped in ("" = not known).

    ``refused`` says, by task, why a task could not be read at all.
    """

    name: str
    values: dict[Measure, dict[str, Value]]
    template: str = ""
    refused: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    skipped: tuple[Skipped, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One line of the table ``items``: an item of a measure, with every model's value. All verdicts follow from these."""

    task: str
    measure: str
    kind: Kind
    declared: bool
    id: str
    source: str
    chance: float
    values: dict[str, float]
    text: str = ""


def joined(one: Readings, other: Readings) -> Readings:
    """Both readings of one model as one."""
    both = {**one.values, **other.values}
    return one._replace(values=both, refused={**one.refused, **other.refused}, skipped=(*one.skipped, *other.skipped))


def rows(base: Readings, tuned: Sequence[Readings]) -> list[Row]:
    """The base's items, with the values of every model that has them."""
    found = []
    known = [{measure.title: items for measure, items in model.values.items()} for model in tuned]
    for measure, items in base.values.items():
        others = [(model.name, titled.get(measure.title, {})) for model, titled in zip(tuned, known, strict=True)]
        for key, item in items.items():
            values = {base.name: item.value} | {name: own[key].value for name, own in others if key in own}
            head = (measure.task, measure.name, measure.kind, measure.declared)
            found.append(Row(*head, key, item.source, item.chance, values, item.text))
    return found


def table(found: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as the run folder keeps them."""
    return [msgspec.to_builtins(row) for row in found]


def from_table(lines: Iterable[dict[str, Any]]) -> list[Row]:
    """The rows as they were before they were written. Raises ``msgspec.ValidationError`` for a line that is none."""
    return msgspec.convert(list(lines), list[Row])


def by_measure(found: Iterable[Row]) -> dict[Measure, list[Row]]:
    """The rows of each measure, in order."""
    groups: dict[Measure, list[Row]] = {}
    for row in found:
        groups.setdefault(Measure(row.task, row.measure, row.kind, row.declared), []).append(row)
    return groups
