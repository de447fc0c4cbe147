"""A finished probe's Result, computed again from the margins in its log: no model, no network."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import settings as settings_module
from wolfnote.errors import InputError
from wolfnote.folder import logged
from wolfnote.judges import margin
from wolfnote.probe import comparison
from wolfnote.probe.reading import Settings
from wolfnote.results import Result
from wolfnote.settings import Policy


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing or contradict each other."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    tables = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    settings = msgspec.convert(tables.get("probe", {}), Settings)
    policy = msgspec.convert(tables.get("policy", {}), Policy)
    day = datetime.date.fromisoformat(about["finished"][:10])
    named = _tables(run)
    if "margins" not in named:
        raise InputError("no margins were measured, so nothing follows from them", where=str(run))
    log = logged(run)
    fingerprints = _fingerprints(run, log)
    before, after = (_margins(run, log, fingerprints[at], settings) for at in (0, -1))  # one, where both are the same weights
    rows = _lines(run / named["margins"])
    follow = comparison.margin_rows({"base": before, "tuned": after}, settings)
    if len(rows) != len(follow) or not all(map(_alike, rows, follow)):
        raise InputError("its rows are not the margins in the log", where=str(run / named["margins"]))
    _answers(run, named)
    found = comparison.judged(before, after, settings, policy, ("base", "tuned"), named)
    return settings_module.waive(found, policy, day)


def _margins(run: Path, log: dict[str, Any], fingerprint: str, settings: Settings) -> dict[str, list[float]]:
    """The margins of one model by family, as ``judges.margin.read`` finds them in the log."""
    found: dict[str, list[float]] = {}
    for family in margin.FAMILIES:
        items = _triples(family, settings.triples)
        chunks = [items[at : at + margin.CHUNK] for at in range(0, len(items), margin.CHUNK)]
        keys = [f"margin/{fingerprint}/{family}/{chunk[0].id}+{len(chunk)}" for chunk in chunks]
        missing = next((key for key in keys if key not in log), None)
        if missing:
            raise InputError(f"the log lacks {missing}", where=str(run / "records.jsonl"))
        found[family] = [value for key in keys for value in log[key]]
    return found


_triples = functools.cache(margin.triples)


def _fingerprints(run: Path, log: dict[str, Any]) -> list[str]:
    """The weights whose margins lie in the log: base first, for it is read first."""
    keys = [key.split("/") for key in log if key.startswith("margin/")]
    found = list(dict.fromkeys(parts[1] for parts in keys))
    if not 1 <= len(found) <= 2:
        raise InputError(f"margins of {len(found)} models", where=str(run / "records.jsonl"))
    return found


def _alike(row: dict[str, Any], follows: dict[str, Any]) -> bool:
    """Whether a row is what follows; of a question that was withheld, its hash is."""
    veil = f"sha256:{hashlib.sha256(follows['question'].encode()).hexdigest()}"
    return row == follows or row == follows | {"question": veil}


def _answers(run: Path, named: dict[str, str]) -> None:
    """The table of answers must be what the completion store holds."""
    said = {(e["completion"]["question_id"], e["completion"]["text"]) for e in _lines(run / "completions.jsonl")}
    for row in _lines(run / named["answers"]) if "answers" in named else ():
        for name in ("base", "tuned"):
            if (row["id"], row[name]) not in said:
                raise InputError(f"the answer of {name} to {row['id']} is in no completion", where=str(run / named["answers"]))


def _tables(run: Path) -> dict[str, str]:
    known = {"margins": "tables/margins-base-tuned.jsonl", "answers": "tables/answers-base-tuned.jsonl"}
    return {name: place for name, place in known.items() if (run / place).is_file()}


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError("is not there", where=str(path))
    with path.open("rb") as file:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in file]
