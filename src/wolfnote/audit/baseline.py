"""What an earlier audit found: only what it did not find can fail (``gate.flagged``)."""

from __future__ import annotations

from pathlib import Path

from wolfnote.audit import facts
from wolfnote.errors import InputError
from wolfnote.folder import read_result

QUERY = "SELECT DISTINCT id, code FROM found WHERE counts"


def read(run: Path) -> set[tuple[str, str]]:
    """Row id and code of every finding that counted. Raises ``InputError`` when the folder holds no finished audit.

    Ids are of content: a row that was moved is an old one, a row that was changed is new.
    """
    result = read_result(run)
    table = result.tables.get("findings") if result and result.kind == "audit" else None
    if table is None or not (run / table).is_file():
        raise InputError("no finished audit here", where=str(run), remedy="give the folder of an earlier audit")
    with facts.tables(found=[run / table]) as connection:
        return {(row, code) for row, code in facts.rows(connection, QUERY)}
