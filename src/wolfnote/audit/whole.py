"""The second phase: what only all shards together show, and the tables that an audit leaves behind.

tables/findings.parquet   every flag with its row, place and speaker, and whether the baseline has it
tables/coverage.parquet   every row: which tiers read it, who could not and why, and whose it is
tables/requests.parquet   every request for clear harm, and whether it was refused
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.audit import columns, facts, scan
from wolfnote.audit.detector import Survey

FINDINGS = """
SELECT f.row, r.id, r.path, r.line, f.turn, f.code, f.category, f.message, f.evidence, f.counts, {known} AS known,
    CASE substring(r.roles, f.turn + 1, 1)
        WHEN 's' THEN 'system' WHEN 'u' THEN 'user' WHEN 'a' THEN 'assistant' WHEN 't' THEN 'tool' ELSE '' END AS role
FROM flags f JOIN rows r ON f.row = r.row ORDER BY f.row, f.turn, f.code, f.message, f.evidence
"""
KNOWN = "EXISTS (SELECT 1 FROM old o WHERE o.counts AND o.id = r.id AND o.code = f.code)"
COVERAGE = """
SELECT r.row, r.id, r.path, r.line, r.unread_by = '' AS tier_1, r.unread_by, r.unread_why, coalesce(d.part, '') AS draw,
    coalesce(d.readers, '') <> '' AS tier_2, coalesce(d.readers, '') AS read_by, r.origin, '' AS reason
FROM rows r LEFT JOIN drawn d ON r.row = d.row
UNION ALL SELECT NULL, '', path, line, false, '', '', '', false, '', '', reason FROM unread
ORDER BY row NULLS LAST, path, line
"""
REQUESTS = "SELECT row, turn, refused FROM requests ORDER BY row"


class Shards(NamedTuple):
    """The folders of all finished shards, in the order of the data, and where their surveys' flags go."""

    home: Path
    folders: Sequence[Path]

    def files(self, name: str) -> list[Path]:
        """The files of this name that shards have."""
        return [file for folder in self.folders if (file := folder / name).is_file()]


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


def write_findings(shards: Shards, surveyed: Sequence[Path], target: Path, old: Path | None = None) -> None:
    """Every flag, of detectors and surveys, into one Parquet file; ``old``: the findings of the baseline."""
    flags = [*shards.files("flags.parquet"), *surveyed]
    before = {"old": [old]} if old else {}
    _write(FINDINGS.format(known=KNOWN if old else "false"), target, flags=flags, rows=shards.files("rows.parquet"), **before)


def write_coverage(shards: Shards, drawn: Sequence[tuple[Any, ...]], target: Path) -> None:
    """Every row with the tiers that read it; ``drawn``: number, part of the draw, codes of the readers that read it."""
    file = columns.write(shards.home / "drawn.parquet", columns.DRAWN, drawn)
    tables = {name: shards.files(f"{name}.parquet") for name in ("rows", "unread")}
    _write(COVERAGE, target, drawn=[file], **tables)


def write_requests(noted: Sequence[Path], target: Path) -> None:
    """Every request for clear harm; no file where there is none."""
    if noted:
        _write(REQUESTS, target, requests=noted)


def _write(sql: str, target: Path, **files: Sequence[Path]) -> None:
    target.parent.mkdir(exist_ok=True)
    with columns.draft(target) as part, facts.tables(**files) as connection:
        connection.sql(sql).write_parquet(str(part), compression="zstd")
