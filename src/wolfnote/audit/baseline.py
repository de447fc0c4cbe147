"""What an earlier audit found: only what it did not find can fail. Ids are of content: a row that was moved is an old one,
a row that was changed is new. What the two have in common is marked in the tables (``whole``, ``scores``)."""

from __future__ import annotations

from pathlib import Path

from wolfnote.errors import InputError
from wolfnote.folder import read_result


def table(run: Path) -> str:
    """Where an audit's findings lie, within its folder. Raises ``InputError`` when it holds no finished audit."""
    result = read_result(run)
    found = result.tables.get("findings") if result and result.kind == "audit" else None
    if found is None or not (run / found).is_file():
        raise InputError("no finished audit here", where=str(run), remedy="give the folder of an earlier audit")
    return found
