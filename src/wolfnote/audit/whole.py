"""The second phase: what only all shards together show, and the tables that an audit leaves behind.

tables/findings.parquet   every flag with its row, place and speaker
tables/coverage.parquet   every row: which tiers read it, and who could not
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.audit import columns, facts, scan
from wolfnote.audit.detector import Survey

FINDINGS = """
SELECT f.row, r.id, r.path, r.line, f.turn, f.code, f.category, f.message, f.evidence, f.counts,
    CASE substring(r.roles, f.turn + 1, 1)
        WHEN 's' THEN 'system' WHEN 'u' THEN 'user' WHEN 'a' THEN 'assistant' WHEN 't' THEN 'tool' ELSE '' END AS role
FROM flags f JOIN rows r ON f.row = r.row ORDER BY f.row, f.turn, f.code, f.message, f.evidence
"""
COVERAGE = """
WITH unable AS (SELECT row, string_agg(DISTINCT code, ' ' ORDER BY code) AS codes FROM blind GROUP BY row)
SELECT r.row, r.id, r.path, r.line, u.codes IS NULL AS tier_1, coalesce(u.codes, '') AS unread_by, coalesce(d.part, '') AS draw,
    coalesce(d.readers, '') <> '' AS tier_2, coalesce(d.readers, '') AS read_by, '' AS reason
FROM rows r LEFT JOIN unable u ON r.row = u.row LEFT JOIN drawn d ON r.row = d.row
UNION ALL SELECT NULL, '', path, line, false, '', '', false, '', reason FROM unread
ORDER BY row NULLS LAST, path, line
"""
COUNTS = """
SELECT code, count(DISTINCT row), count(DISTINCT row) FILTER (WHERE counts) FROM found GROUP BY code ORDER BY code
"""
FIRST = """
SELECT code, message, path, line, turn, role, evidence, counts FROM (
    SELECT *, row_number() OVER (PARTITION BY code ORDER BY NOT counts, row, turn, message) AS place FROM found
) WHERE place <= {most} ORDER BY code, place
"""

CATEGORIES = """
SELECT category, count(DISTINCT row) FROM found f
WHERE counts AND category <> 'form' AND NOT list_contains($1, code) {new} GROUP BY category
"""
NEW = "AND NOT EXISTS (SELECT 1 FROM old o WHERE o.counts AND o.id = f.id AND o.code = f.code)"
UNREAD_FOR = """
SELECT count(DISTINCT b.row) FROM blind b WHERE list_contains($1, b.code) AND NOT EXISTS (
    SELECT 1 FROM found f WHERE f.row = b.row AND f.counts AND f.category = $2 AND NOT list_contains($3, f.code) {new})
"""
BLIND = "SELECT DISTINCT row FROM blind WHERE list_contains($1, code)"

OF_ROWS = """
SELECT f.row, turn, role, code, category, message, evidence, counts
FROM found f JOIN (SELECT unnest($1) AS row) w ON f.row = w.row ORDER BY ALL
"""

KEPT = {"blind": "blind.parquet", "requests": "facts-0.parquet"}
"""What of the shards a verdict rests on and no table holds: rows that a detector could not read, requests for clear harm."""


class Shards(NamedTuple):
    """The folders of all finished shards, in the order of the data, and where their surveys' flags go."""

    home: Path
    folders: Sequence[Path]

    def files(self, name: str) -> list[Path]:
        """The files of this name that shards have."""
        return [file for folder in self.folders if (file := folder / name).is_file()]


class Seen(NamedTuple):
    """What an audit has counted in every row."""

    rows: int
    unread: Sequence[tuple[str, int]]
    """Reasons why something was no row, and how often."""
    codes: dict[str, tuple[int, int]]
    """Code → rows flagged, and rows flagged as a hazard."""
    blind: Sequence[tuple[str, str, int]]
    """Code, reason and rows that its detector could not read."""


def conclude(shards: Shards, surveys: Sequence[Survey]) -> list[Path]:
    """The flags of all surveys, each in a file that is there when the survey is done."""
    files = []
    for number, survey in enumerate(surveys):
        file = shards.home / f"survey-{number}.parquet"
        if not file.is_file():
            noted = shards.files(f"facts-{number}.parquet")
            found = survey.conclude(noted) if noted else iter(())
            columns.write(file, columns.FLAGS, (scan.line(row, flag) for row, flag in found))
        files.append(file)
    return files


def write_findings(shards: Shards, surveyed: Sequence[Path], target: Path) -> None:
    """Every flag, of detectors and surveys, into one Parquet file."""
    flags = [*shards.files("flags.parquet"), *surveyed]
    _write(FINDINGS, target, flags=flags, rows=shards.files("rows.parquet"))


def write_coverage(shards: Shards, drawn: Sequence[tuple[Any, ...]], target: Path) -> None:
    """Every row with the tiers that read it; ``drawn``: number, part of the draw, codes of the readers that read it."""
    file = columns.write(shards.home / "drawn.parquet", columns.DRAWN, drawn)
    tables = {name: shards.files(f"{name}.parquet") for name in ("rows", "blind", "unread")}
    _write(COVERAGE, target, drawn=[file], **tables)


def keep(shards: Shards, folder: Path) -> dict[str, str]:
    """Put what ``KEPT`` names beside the tables, so that the verdict can be recomputed; name → file, from the run folder."""
    kept = {}
    for name, file in KEPT.items():
        parts = shards.files(file)
        if parts:
            _write("SELECT * FROM part", folder / f"{name}.parquet", part=parts)
            kept[name] = f"{folder.name}/{name}.parquet"
    return kept


def count(shards: Shards, findings: Path) -> Seen:
    """The counts behind the tables."""
    names = ("rows", "unread", "blind")
    with facts.tables(found=[findings], **{name: shards.files(f"{name}.parquet") for name in names}) as connection:
        total = connection.execute("SELECT count(*) FROM rows").fetchall()[0][0]
        unread = connection.execute(
            "SELECT reason, count(*) AS n FROM unread GROUP BY reason ORDER BY n DESC, reason"
        ).fetchall()
        blind = connection.execute("SELECT code, reason, count(*) FROM blind GROUP BY ALL ORDER BY ALL").fetchall()
        codes = {code: (flagged, counting) for code, flagged, counting in connection.execute(COUNTS).fetchall()}
    return Seen(total, unread, codes, blind)


def first(findings: Path, most: int) -> Iterator[tuple[Any, ...]]:
    """The first ``most`` findings of each code, those that count before the others."""
    with facts.tables(found=[findings]) as connection:
        yield from facts.rows(connection, FIRST.format(most=most))


def categories(findings: Path, waived: Sequence[str], old: Path | None) -> dict[str, int]:
    """Category → rows with a flag that counts, whose code is not waived, and that ``old`` findings do not have."""
    before = {"old": [old]} if old else {}
    with facts.tables(found=[findings], **before) as connection:
        found = connection.execute(CATEGORIES.format(new=NEW if old else ""), [list(waived)]).fetchall()
    return dict(found)


def blind_to(
    shards: Shards, findings: Path, category: str, codes: Sequence[str], waived: Sequence[str], old: Path | None
) -> int:
    """How many rows at least one of these detectors could not read, but for those that have a flag of the category anyway."""
    before = {"old": [old]} if old else {}
    with facts.tables(blind=shards.files("blind.parquet"), found=[findings], **before) as connection:
        sql = UNREAD_FOR.format(new=NEW if old else "")
        n: int = connection.execute(sql, [list(codes), category, list(waived)]).fetchall()[0][0]
    return n


def blind_rows(shards: Shards, rows: Sequence[int], codes: Sequence[str]) -> set[int]:
    """Those of the rows that at least one of these detectors could not read."""
    with facts.tables(blind=shards.files("blind.parquet")) as connection:
        sql = f"{BLIND} AND list_contains($2, row)"
        return {row for (row,) in connection.execute(sql, [list(codes), list(rows)]).fetchall()}


def flags_of(findings: Path, rows: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Row number → its flags, for a few rows."""
    found: dict[int, list[dict[str, Any]]] = {}
    names = ("turn", "role", "code", "category", "message", "evidence", "counts")
    with facts.tables(found=[findings]) as connection:
        for row, *values in connection.execute(OF_ROWS, [list(rows)]).fetchall():
            found.setdefault(row, []).append(dict(zip(names, values, strict=True)))
    return found


def _write(sql: str, target: Path, **files: Sequence[Path]) -> None:
    target.parent.mkdir(exist_ok=True)
    with columns.draft(target) as part, facts.tables(**files) as connection:
        connection.sql(sql).write_parquet(str(part), compression="zstd")
