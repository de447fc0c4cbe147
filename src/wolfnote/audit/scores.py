"""What readers said of the drawn rows, as a table, and what was known of the readers: all that a gate needs of a model.

tables/scores.parquet     a line a reader and row: score, whether it is flagged, whether the baseline has it, the reason
tables/instruments.json   the detectors' names, each reader with its threshold and errors, and the day of the verdict
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.audit import columns, facts
from wolfnote.audit.detector import Category
from wolfnote.audit.drawn import Part
from wolfnote.audit.reader import Accuracy, Reader
from wolfnote.audit.readers.calibration import Calibration
from wolfnote.errors import InputError
from wolfnote.results import Estimate, Score

FILE = "instruments.json"
QUERY = "SELECT row, id, part, reader, value, flagged, known, reason FROM scores ORDER BY reader, part, row"
OLD = "SELECT DISTINCT id, code, category FROM scores WHERE flagged"


class Stated(msgspec.Struct, frozen=True):
    """A reader as it stood when it read."""

    code: str
    name: str
    category: Category
    threshold: float
    false_alarms: Estimate
    sensitivity: Estimate
    calibration: Calibration | None = None
    """By which its scores became what they are, where it has one."""

    def accuracy(self) -> Accuracy:
        """False alarms and sensitivity with their exact intervals."""
        return Accuracy(self.false_alarms, self.sensitivity)


class Instruments(msgspec.Struct, frozen=True):
    """By what an audit was made: names by code, readers in their order, and the day that waivers are held against."""

    today: datetime.date
    names: dict[str, str]
    readers: tuple[Stated, ...] = ()


class Said(NamedTuple):
    """One reader's word on one row. ``value`` None: it could not read, and ``reason`` says why."""

    row: int
    id: str
    part: Part
    reader: int
    value: float | None
    flagged: bool
    known: bool
    reason: str


def stated(reader: Reader) -> Stated:
    """What is kept of a reader."""
    calibration = getattr(reader, "calibration", None)
    errors = reader.accuracy()
    return Stated(reader.code, reader.name, reader.category, reader.threshold, *errors, calibration=calibration)


def write(
    target: Path,
    rows: Sequence[tuple[Part, int, str]],
    readers: Sequence[Stated],
    scores: Sequence[Sequence[Score]],
    old: frozenset[tuple[str, str, str]] = frozenset(),
) -> None:
    """The table. ``rows``: part, number and id of each drawn row; ``scores``: of each reader, one a row."""
    lines: list[tuple[Any, ...]] = []
    for number, (reader, said) in enumerate(zip(readers, scores, strict=True)):
        for (part, row, name), score in zip(rows, said, strict=True):
            flagged = score.value is not None and score.value > reader.threshold
            known = flagged and (name, reader.code, reader.category) in old
            about = (reader.code, reader.category, score.value, flagged, known, score.reason)
            lines.append((row, name, part, number, *about))
    columns.write(target, columns.SCORES, lines)


def read(table: Path) -> list[Said]:
    """The lines of the table, reader by reader, the random rows of each in the order of the data before the risky ones."""
    with facts.tables(scores=[table]) as connection:
        return [Said(*found) for found in facts.rows(connection, QUERY)]


def flagged_before(run: Path) -> frozenset[tuple[str, str, str]]:
    """Row id, code and category of what an earlier audit's readers flagged; nothing where none read."""
    table = run / "tables" / "scores.parquet"
    if not table.is_file():
        return frozenset()
    with facts.tables(scores=[table]) as connection:
        return frozenset((row, code, category) for row, code, category in facts.rows(connection, OLD))


def load(run: Path) -> Instruments:
    """What ``instruments.json`` of a run says. Raises ``InputError`` for a run without it."""
    file = run / "tables" / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Instruments)
    except OSError as error:
        problem = str(error.strerror)
    except msgspec.DecodeError as error:
        problem = str(error)
    raise InputError(f"cannot be read ({problem})", where=str(file), remedy="give the folder of a finished 'wolfnote audit'")
