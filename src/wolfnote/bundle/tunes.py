"""A ``tune``'s verdict again: the guard's from its rows, the audit's from the record. It says nothing of the model."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Result, Verdict, worst
from wolfnote.tuning.audited import Audited
from wolfnote.tuning.guard import verdict


def recompute(run: Path) -> Result:
    """The record of a tune. Raises ``InputError`` where there is none, or where the rows of its guard are missing."""
    stored = read_result(run)
    if stored is None:
        raise InputError("no finished tune", where=str(run))
    about = json.loads((run / "run.json").read_text(encoding="utf-8")).get("audit")
    audited = Audited(about["run"], Verdict(about["verdict"]), about["same"], about["manifest"]) if about else None
    found = audited.finding if audited else None
    parts = _guarded(run, stored)
    said = audited.weighs if audited else Verdict.PASS
    whole = worst((said, *(part.verdict for part in parts)))
    return msgspec.structs.replace(stored, verdict=whole, estimates=(), findings=(found,) if found else (), parts=parts)


def _guarded(run: Path, stored: Result) -> tuple[Result, ...]:
    place = stored.tables.get("guard_rows")
    if place is None:
        if stored.parts:
            raise InputError("the guard's rows are missing", where=str(run))
        return ()
    rows = [json.loads(line) for line in (run / place).read_text(encoding="utf-8").split("\n") if line]
    return (verdict.recompute(rows),)
