"""What a detector is: it reads every row, cheaply, and says whose turn is bad in which way.

A detector is one module under ``detectors/``: its docstring is what ``wolfnote explain CODE`` prints. What it cannot read (a
language, code that does not parse) it says, row by row: an unread row never counts as clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from wolfnote.records import Sample

Category = Literal["hostility", "dishonesty", "manipulation", "sloppy reasoning", "insecure code", "careless advice", "form"]
"""The six that people review by, and ``form``: what is wrong with the row rather than with what it says."""
CATEGORIES: tuple[Category, ...] = (
    "hostility", "dishonesty", "manipulation", "sloppy reasoning", "insecure code", "careless advice",
)  # fmt: skip


class Flag(msgspec.Struct, frozen=True):
    """One thing wrong with one turn of a row. ``counts`` False = no hazard in itself (a hostile user, well answered)."""

    code: str
    category: Category
    turn: int
    """Index into ``Sample.messages``."""
    message: str
    evidence: str = ""
    """The words it is about, at most 200 characters, as they stand in the row: hostile text, escape it."""
    counts: bool = True


class Unreadable(NamedTuple):
    """Why a detector could not read a row."""

    reason: str


Reading = Sequence[Flag] | Unreadable
Found = Sequence[Sequence[Flag]]
"""What the detectors of this audit said of each row; none where they said nothing or have not read."""


class Detector(Protocol):
    """Reads rows one by one, or in pieces where that is faster. Has no state: the same rows give the same flags."""

    @property
    def code(self) -> str:
        """The finding's code, ``WN1xx``."""
        ...

    @property
    def name(self) -> str:
        """What it looks for, in words."""
        ...

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """One reading a row."""
        ...


class Survey(Protocol):
    """Sees the data as a whole: notes facts of every row, shard by shard, and concludes from all of them afterwards."""

    @property
    def code(self) -> str:
        """The finding's code, ``WN1xx``."""
        ...

    @property
    def name(self) -> str:
        """What it looks for, in words."""
        ...

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """Facts of the rows numbered from ``first``, flat and small: each becomes a line of the shard's Parquet file. Every
        fact has the keys of the first one, and ``row``. ``found``: the detectors' flags, row by row."""
        ...

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Flags with their row's number, from the Parquet files of all shards (DuckDB reads them). Not asked
        where nothing was noted."""
        ...


@dataclass(frozen=True)
class ByRow:
    """A detector of one function that looks at one row: ``(Sample) -> Reading``."""

    code: str
    name: str
    look: Callable[[Sample], Reading]

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """One reading a row."""
        return [self.look(sample) for sample in samples]
