"""A bench's Result by the bench's own ``recompute``: verdicts, estimates and reasons from its items.

What could not be read of a suite or a log is in no table; that list is taken as it is stored, and what follows after it must
follow.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import settings as settings_module
from wolfnote.bench import comparison
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Result
from wolfnote.settings import Policy


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    given = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    stored = read_result(run)
    if stored is None or not {"items", "refused"} <= set(stored.tables):
        raise InputError("no items of a finished bench", where=str(run))
    policy = msgspec.convert(given.get("policy", {}), Policy)
    refused = {row["model"]: row["refused"] for row in _lines(run / stored.tables["refused"])}
    twins = len(stored.parts) > len(refused)
    found = comparison.recompute(_lines(run / stored.tables["items"]), refused, policy, twins=twins)
    unread = stored.skipped[: max(0, len(stored.skipped) - len(found.skipped))]
    found = msgspec.structs.replace(found, skipped=(*unread, *found.skipped), tables=stored.tables)
    return settings_module.waive(found, policy, datetime.date.fromisoformat(about["finished"][:10]))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError("is not there", where=path.name)
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in file]
