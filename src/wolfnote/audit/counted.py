"""What an audit counted, asked of the tables that it left: nothing else is needed to judge it, or to judge it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.audit import facts
from wolfnote.audit.detectors import refusals
from wolfnote.results import Estimate

COUNTS = """
SELECT code, count(DISTINCT row), count(DISTINCT row) FILTER (WHERE counts) FROM found GROUP BY code ORDER BY code
"""
BLIND = """
SELECT split_part(said, ' ', 1) AS code, substring(said, position(' ' IN said) + 1) AS reason, count(*)
FROM (SELECT unnest(string_split(unread_why, chr(31))) AS said FROM coverage WHERE unread_why <> '') GROUP BY ALL ORDER BY ALL
"""
FIRST = """
SELECT code, message, path, line, turn, role, evidence, counts, known FROM (
    SELECT *, row_number() OVER (PARTITION BY code ORDER BY NOT counts, known, row, turn, message) AS place FROM found
) WHERE place <= ? ORDER BY code, place
"""
FLAGGED = "f.counts AND NOT f.known AND f.category <> 'form' AND NOT list_contains($waived, f.code)"
UNABLE = "list_has_any(string_split(c.unread_by, ' '), $codes)"
CATEGORIES = f"SELECT category, count(DISTINCT row) FROM found f WHERE {FLAGGED} GROUP BY category"  # noqa: S608 - our own text
UNREAD_FOR = f"""
SELECT count(*) FROM coverage c WHERE {UNABLE}
    AND NOT EXISTS (SELECT 1 FROM found f WHERE f.row = c.row AND f.category = $category AND {FLAGGED})
"""  # noqa: S608 - our own text
KNOWN = "SELECT count(DISTINCT row) FROM found WHERE known AND counts AND category <> 'form'"
DRAWN = f"SELECT row, id, origin, {UNABLE} FROM coverage c WHERE draw = 'random' ORDER BY row"  # noqa: S608 - our own text
ORIGINS = f"""
WITH flagged AS (SELECT DISTINCT row FROM found f WHERE {FLAGGED})
SELECT c.origin, count(*) AS rows, count(f.row), count(*) FILTER (WHERE f.row IS NULL AND {UNABLE}),
    count(*) FILTER (WHERE draw = 'random')
FROM coverage c LEFT JOIN flagged f ON f.row = c.row WHERE c.row IS NOT NULL GROUP BY c.origin ORDER BY rows DESC, c.origin
"""  # noqa: S608 - our own text
OF_ROWS = """
SELECT f.row, turn, role, code, category, message, evidence, counts, known
FROM found f JOIN (SELECT unnest($1) AS row) w ON f.row = w.row ORDER BY ALL
"""


class Tables(NamedTuple):
    """Where the tables of a run folder lie."""

    run: Path

    @property
    def findings(self) -> Path:
        """Every flag."""
        return self.run / "tables" / "findings.parquet"

    @property
    def coverage(self) -> Path:
        """Every row."""
        return self.run / "tables" / "coverage.parquet"

    @property
    def requests(self) -> Path:
        """Every request for clear harm."""
        return self.run / "tables" / "requests.parquet"

    @property
    def scores(self) -> Path:
        """What readers said of each drawn row."""
        return self.run / "tables" / "scores.parquet"

    def ask(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query over the views ``found`` and ``coverage``."""
        with facts.tables(found=[self.findings], coverage=[self.coverage]) as connection:
            return list(connection.execute(sql, values or None).fetchall())


class Seen(NamedTuple):
    """What an audit has counted in every row."""

    rows: int
    unread: Sequence[tuple[str, int]]
    """Reasons why something was no row, and how often."""
    codes: dict[str, tuple[int, int]]
    """Code → rows flagged, and rows flagged as a hazard."""
    blind: Sequence[tuple[str, str, int]]
    """Code, reason and rows that its detector could not read."""


class Origin(NamedTuple):
    """Rows of one source: all, with a new flag that counts, of the others those that a detector could not read, drawn."""

    name: str
    rows: int
    flagged: int
    unread: int
    drawn: int


class Row(NamedTuple):
    """A row of the random draw; ``unread``: by a detector whose category the gate judges."""

    row: int
    id: str
    origin: str
    unread: bool


def seen(tables: Tables) -> Seen:
    """The counts behind tier 1."""
    total = tables.ask("SELECT count(row) FROM coverage")[0][0]
    unread = tables.ask("SELECT reason, count(*) AS n FROM coverage WHERE row IS NULL GROUP BY reason ORDER BY n DESC, reason")
    codes = {code: (flagged, counting) for code, flagged, counting in tables.ask(COUNTS)}
    return Seen(total, [(str(reason), int(n)) for reason, n in unread], codes, [(c, r, n) for c, r, n in tables.ask(BLIND)])


def first(findings: Path, most: int) -> Iterator[tuple[Any, ...]]:
    """The first ``most`` findings of each code, those that count before the others, and new ones before known ones."""
    with facts.tables(found=[findings]) as connection:
        yield from connection.execute(FIRST, [most]).fetchall()


def categories(tables: Tables, waived: Sequence[str]) -> dict[str, int]:
    """Category → rows with a flag that counts, whose code is not waived, and that the baseline does not have."""
    return dict(tables.ask(CATEGORIES, waived=list(waived)))


def unread_for(tables: Tables, category: str, codes: Sequence[str], waived: Sequence[str]) -> int:
    """How many rows at least one of these detectors could not read, but for those that have a flag of the category anyway."""
    return int(tables.ask(UNREAD_FOR, codes=list(codes), category=category, waived=list(waived))[0][0])


def known(tables: Tables) -> int:
    """Rows with a flag that the baseline has, too."""
    return int(tables.ask(KNOWN)[0][0])


def drawn(tables: Tables, codes: Sequence[str]) -> list[Row]:
    """The random draw, in the order of the data; ``codes``: detectors that must have read a row."""
    return [Row(*found) for found in tables.ask(DRAWN, codes=list(codes))]


def origins(tables: Tables, codes: Sequence[str], waived: Sequence[str]) -> list[Origin]:
    """Each source, the largest first."""
    return [Origin(*found) for found in tables.ask(ORIGINS, codes=list(codes), waived=list(waived))]


def refused(tables: Tables) -> Estimate | None:
    """The share of requests for clear harm that were refused; None when there was none."""
    return refusals.refused([tables.requests] if tables.requests.is_file() else [])


def flags_of(findings: Path, rows: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Row number → its flags, for a few rows."""
    found: dict[int, list[dict[str, Any]]] = {}
    names = ("turn", "role", "code", "category", "message", "evidence", "counts", "known")
    with facts.tables(found=[findings]) as connection:
        for row, *values in connection.execute(OF_ROWS, [list(rows)]).fetchall():
            found.setdefault(row, []).append(dict(zip(names, values, strict=True)))
    return found
