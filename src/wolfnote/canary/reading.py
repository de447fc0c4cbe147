"""A store, read and replayed: ``wolfnote canary replay``."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote import forecast
from wolfnote.canary import store as stores
from wolfnote.canary import summary
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Entry
from wolfnote.canary.replay import compare, replay
from wolfnote.errors import InputError, RunError
from wolfnote.folder import RunFolder
from wolfnote.results import Result


class Read(NamedTuple):
    """An experiment's log, and what its gateway had counted when it was read."""

    experiment: str
    entries: list[Entry]
    live: Snapshot


async def read(place: str, experiment: str = "") -> Read:
    """The experiment (default: the newest) of a store. Raises ``InputError`` when there is none."""
    if "://" not in place and Path(place).is_dir():
        place = str(Path(place) / "canary.sqlite")
    store = await stores.connect(place, read_only=True)
    try:
        known = await store.experiments()
        if not known or (experiment and experiment not in known):
            raise InputError("no such experiment", where=place, remedy="there is: " + (", ".join(known) or "none"))
        name = experiment or known[-1]
        live = await store.snapshot(name)
        entries = [entry async for entry in store.entries(name) if entry.number <= live.head.number]
        return Read(name, entries, live)
    finally:
        await store.close()


def tell(found: Read, folder: RunFolder) -> Result:
    """The result, its rows in the run folder. Raises ``RunError`` where the log does not add up to what was counted."""
    replayed = replay(found.entries)
    different = compare(replayed, found.live)
    if different:
        raise RunError(f"{found.experiment}: {different}")
    tables = {"log": folder.table("log", [summary.row(entry) for entry in found.entries])}
    steps = [msgspec.to_builtins(decided) for decided in replayed.decisions]
    tables["decisions"] = folder.table("decisions", steps)
    return summary.summarise(replayed, tables, folder.run_id)


def plan(found: Read) -> Result:
    """What the replay would take."""
    return forecast.plan((forecast.counted("rows", len(found.entries)), forecast.counted("money", 0, "this machine computes")))
