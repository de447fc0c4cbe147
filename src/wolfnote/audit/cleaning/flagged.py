"""A run's flags, row by row, in the order of the data: a stream from the audit's Parquet, or its ``findings.jsonl``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from wolfnote.audit import facts
from wolfnote.audit.detector import Flag
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Finding

TABLE = "findings"
"""The table of an audit's ``Result`` with every flag: ``row`` numbers the rows in the order of the data."""
QUERY = """
SELECT path, line, code, category, turn, message, evidence, counts FROM (
    SELECT row, path, line, code, category, turn, message, evidence, counts FROM found{read}
) ORDER BY row, turn, code
"""
READ = """
    UNION ALL SELECT c.row, c.path, c.line, s.code, s.category, 0, s.category || ': ' || s.reason, '', true
    FROM scores s JOIN coverage c ON c.row = s.row WHERE s.flagged
"""


class Flags(Protocol):
    """Flags of rows that are asked for in the order of the data."""

    def at(self, source: str) -> list[Flag]:
        """The flags of the row at ``path:line``; asking takes them."""
        ...

    def left(self) -> int:
        """How many were never asked for: they are about rows that the data do not have."""
        ...


def flags(run: Path) -> Flags:
    """What the audit in this folder flagged. Raises ``InputError`` when it is no finished audit."""
    result = read_result(run)
    if result is None or result.kind != "audit":
        raise InputError("no finished audit here", where=str(run), remedy="give the folder of 'wolfnote audit'")
    table = result.tables.get(TABLE)
    return Listed(_findings(run)) if table is None else Streamed(_rows(run, result.tables))


class Listed:
    """Flags that are held in memory, by place."""

    def __init__(self, found: Iterator[tuple[str, Flag]]) -> None:
        self._flags: dict[str, list[Flag]] = defaultdict(list)
        for source, flag in found:
            self._flags[source].append(flag)

    def at(self, source: str) -> list[Flag]:
        """See ``Flags``."""
        return self._flags.pop(source, [])

    def left(self) -> int:
        """See ``Flags``."""
        return sum(map(len, self._flags.values()))


class Streamed:
    """Flags that come in the order of the data; a few are held."""

    def __init__(self, found: Iterator[tuple[str, Flag]]) -> None:
        self._found = found
        self._next = next(found, None)

    def at(self, source: str) -> list[Flag]:
        """See ``Flags``."""
        here = []
        while self._next is not None and self._next[0] == source:
            here.append(self._next[1])
            self._next = next(self._found, None)
        return here

    def left(self) -> int:
        """See ``Flags``."""
        return (self._next is not None) + sum(1 for _ in self._found)


def _findings(run: Path) -> Iterator[tuple[str, Flag]]:
    decoder = msgspec.json.Decoder(Finding)
    with (run / "findings.jsonl").open("rb") as lines:
        for line in lines:
            found = decoder.decode(line)
            counts = found.severity != "info"
            yield found.where, Flag(found.code, "form", 0, found.message, found.evidence, counts)


def _rows(run: Path, tables: Mapping[str, str]) -> Iterator[tuple[str, Flag]]:
    """Flags of detectors in every row, and of readers in the rows that were drawn."""
    read = {name: [run / tables[name]] for name in ("scores", "coverage")} if "scores" in tables else {}
    with facts.tables(found=[run / tables[TABLE]], **read) as connection:
        sql = QUERY.format(read=READ if read else "")
        for place, line, code, category, turn, message, evidence, counts in facts.rows(connection, sql):
            source = f"{place}:{line}" if line else place
            yield source, Flag(code, category, turn, message, evidence, counts)
