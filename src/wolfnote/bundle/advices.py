"""An advice's Result by its own ``recompute``; what the probe said of each arm is held against the probe's own tables."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.advise import evidence, recomputing
from wolfnote.errors import InputError
from wolfnote.probe import verdict
from wolfnote.probe.reading import Settings
from wolfnote.results import Result
from wolfnote.settings import Policy


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing or contradict each other."""
    given = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    settings = msgspec.convert(given.get("probe", {}), Settings)
    policy = msgspec.convert(given.get("policy", {}), Policy)
    found = recomputing.recompute(run)
    for row in recomputing.lines(run / found.tables["alignment"]):
        if row["tables"]:
            _check(run, row, settings, policy)
        elif row["verdict"] != "NOT RUN":
            raise InputError(f"no probe of {row['arm']} lies beside its verdict", where="tables/alignment")
    return found


def _check(run: Path, row: dict[str, Any], settings: Settings, policy: Policy) -> None:
    """Raise ``InputError`` where an arm's probe does not say what the table says."""
    places = {name: run / place for name, place in row["tables"].items()}
    if any(not place.resolve().is_relative_to(run.resolve()) for place in places.values()):
        raise InputError("a table outside the run", where="tables/alignment")
    tables = {name: recomputing.lines(place) for name, place in places.items()}
    said = evidence.aligned(verdict.recompute(tables, settings, policy))
    now = (said.verdict.value, said.reason, msgspec.to_builtins(said.shift))
    if now != (row["verdict"], row["reason"], row["shift"]):
        raise InputError(f"the probe of {row['arm']} says {now[0]}: {now[1]}", where="tables/alignment")
