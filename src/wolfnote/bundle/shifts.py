"""A ``direction measure`` computed again from its rows: sizes from every text, percentiles and verdicts from the layers' table.

It stands here and not in ``directions``, which loads torch. The random directions themselves are not kept: a percentile is
what the table says, and the table is what the run drew.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import stats
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Result, Verdict, worst

ALARM = 97.5
ROUNDING = 5e-5
"""The layers' table is rounded to four digits."""


def recompute(run: Path) -> Result:
    """The stored result with everything put in that follows from the rows. Raises ``InputError`` where rows are missing."""
    stored = read_result(run)
    if stored is None or "shifts" not in stored.tables or "texts" not in stored.tables:
        raise InputError("no rows of a measurement", where=str(run))
    settings = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8")).get("measure", {})
    layers, texts = (_lines(run / stored.tables[name]) for name in ("shifts", "texts"))
    alarm = 100 - (100 - settings.get("alarm", ALARM)) / max(1, len(stored.parts))
    parts = tuple(_part(part, layers, texts, alarm) for part in stored.parts)
    moved = [part for part in parts if part.verdict is Verdict.FAIL] or list(parts)
    reasons = tuple(part.reasons[0] for part in moved)
    return msgspec.structs.replace(stored, verdict=worst(p.verdict for p in parts), reasons=reasons, parts=parts)


def _part(part: Result, layers: list[dict[str, Any]], texts: list[dict[str, Any]], alarm: float) -> Result:
    """One persona. NOT RUN has no rows, so rows for it are a contradiction."""
    persona = part.kind.removeprefix("direction ")
    own = {row["layer"]: row["percentile"] for row in layers if row["persona"] == persona}
    shifts = [row["shift"] for row in texts if row["persona"] == persona]
    if not own and not shifts:
        return msgspec.structs.replace(part, verdict=Verdict.NOT_RUN, estimates=())
    if any(abs(row["tuned"] - row["base"] - row["shift"]) > 1e-6 for row in texts if row["persona"] == persona):
        raise InputError(f"a text's shift along {persona} is not tuned − base", where="tables/texts.jsonl")
    rank, size = part.estimates
    layer = int(rank.name.rpartition(" ")[2])
    at = rank.value if abs(own[layer] - rank.value) <= ROUNDING else own[layer]
    now = stats.mean(size.name, shifts)
    if abs(now.value - size.value) <= 1e-6 * max(1.0, abs(size.value)):  # one sum in two orders of single precision
        now = size
    verdict = Verdict.FAIL if at > alarm else Verdict.PASS
    where = "beyond" if verdict is Verdict.FAIL else "below" if at < 100 - alarm else "within"
    reason = (
        f"tuned moved {now.value:+.2f} z along {persona} at layer {layer}: percentile {at:.1f} of "
        f"{rank.n} random directions, {where} what any direction does"
    )
    estimates = (msgspec.structs.replace(rank, value=at), now)
    return msgspec.structs.replace(part, verdict=verdict, reasons=(reason,), estimates=estimates)


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise InputError("is not there", where=str(path))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
