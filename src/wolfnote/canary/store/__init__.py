"""Where experiments are kept: ``connect`` takes a path (SQLite) or ``postgresql://…`` (replicas)."""

from __future__ import annotations

from pathlib import Path

from wolfnote.canary.store.group import Group
from wolfnote.canary.store.store import Beside, Kept, Rule, Store, Unreachable

__all__ = ["Beside", "Group", "Kept", "Rule", "Store", "Unreachable", "connect"]


async def connect(place: str, *, read_only: bool = False) -> Store:
    """The store at a path or a ``postgresql://`` address. Loads no more than that kind needs."""
    if place.startswith(("postgresql://", "postgres://")):
        from wolfnote.canary.store.postgres import PostgresStore

        return await PostgresStore.open(place)
    from wolfnote.canary.store.sqlite import SQLiteStore

    return await SQLiteStore.open(Path(place.removeprefix("sqlite:")), read_only=read_only)
