"""The page of ``wolfnote tune``: what was learnt, and what the guard saw meanwhile."""

from __future__ import annotations

from typing import Any

from wolfnote.results import Result
from wolfnote.tuning.guard import curve


def view(result: Result, tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The guard's part, if there was a guard, with its picture and its looks."""
    looks = tables.get("guard", [])
    guards = [part for part in result.parts if part.kind == "guard"]
    return {"guards": guards, "picture": curve.draw(looks) if looks else "", "looks": looks}
