"""A probe's Result by the probe's own ``recompute``, after its tables have been held against the log and the answers."""

from __future__ import annotations

import datetime
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import settings as settings_module
from wolfnote.errors import InputError
from wolfnote.folder import logged, read_result
from wolfnote.probe import comparison, evidence, verdict
from wolfnote.probe.reading import Settings
from wolfnote.results import Result
from wolfnote.settings import Policy

Rows = list[dict[str, Any]]


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing or contradict each other."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    given = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    settings = msgspec.convert(given.get("probe", {}), Settings)
    policy = msgspec.convert(given.get("policy", {}), Policy)
    stored = read_result(run)
    if stored is None:
        raise InputError("no finished probe", where=str(run))
    tables = {name: _lines(run / place) for name, place in stored.tables.items()}
    found = verdict.recompute(tables, settings, policy)
    read = evidence.of(tables)
    _margins(run, read)
    _answers(run, read)
    skipped = (*found.skipped, *comparison.unseen(read, settings))
    found = msgspec.structs.replace(found, skipped=skipped, tables=stored.tables)
    return settings_module.waive(found, policy, datetime.date.fromisoformat(about["finished"][:10]))


def _margins(run: Path, read: evidence.Evidence) -> None:
    """Every margin of the table is in the log, model by model: base is read first, then tuned, then a twin."""
    log = logged(run)
    kept: dict[str, dict[str, list[float]]] = {}
    for key, values in log.items():
        what, _, rest = key.partition("/")
        if what == "margin":
            fingerprint, family, _ = rest.split("/", 2)
            kept.setdefault(fingerprint, {}).setdefault(family, []).extend(round(value, 5) for value in values)
    known = list(kept.values())
    for number, (name, margins) in enumerate(read.margins.items()):
        own = known[min(number, len(known) - 1)] if known else {}
        if any(own.get(family) != values for family, values in margins.items()):
            raise InputError(f"the margins of {name} are not those in the log", where="tables/margins")


def _answers(run: Path, read: evidence.Evidence) -> None:
    """Every answer of a pair is one that the store of completions holds."""
    path = run / "completions.jsonl"
    said = {entry["completion"]["text"] for entry in _lines(path)} if path.is_file() else set()
    for pair in read.pairs:
        for arm, side in (("base", pair.base), ("tuned", pair.tuned)):
            if side.text not in said:
                raise InputError(f"an answer of {arm} to {pair.question} is in no completion", where="tables/pairs")


def _lines(path: Path) -> Rows:
    if not path.is_file():
        raise InputError("is not there", where=path.name)
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in file]
