"""The Result of a finished run from its tables, without a model and without torch; ``wolfnote verify`` calls it.

What the probe said of each arm is taken from the table ``alignment``: this room knows no probe. ``bundle.advices`` holds it
against the probe's own tables, which lie beside.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.advise import deciding, evidence
from wolfnote.advise.advising import with_unread
from wolfnote.advise.settings import Settings
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Result, Skipped

NEEDED = ("items", "calls", "alignment", "arms", "about", "unread")


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing."""
    given = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    settings = msgspec.convert(given.get("advise", {}), Settings)
    stored = read_result(run)
    if stored is None or not set(NEEDED) <= set(stored.tables):
        raise InputError("no tables of finished advice", where=str(run))
    tables = {name: lines(run / stored.tables[name]) for name in NEEDED}
    unread = tuple(msgspec.convert(tables["unread"], list[Skipped]))
    found = with_unread(deciding.decide(evidence.of(tables), settings), unread)
    return msgspec.structs.replace(found, tables=stored.tables)


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a table. Raises ``InputError`` where it is not there."""
    if not path.is_file():
        raise InputError("is not there", where=path.name)
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in file]
