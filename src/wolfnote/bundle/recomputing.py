"""Kind of run → the function that computes its Result again from its folder, without torch and without a network.

A room offers ``recompute(run: Path) -> Result`` in its module ``recomputing``; to add a kind, name its module here. A kind that
is not here, or whose room is not installed, is NOT RECOMPUTED, and the bundle does not verify as a whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote.errors import WolfnoteError
from wolfnote.pipeline import concluding
from wolfnote.results import Estimate, Result

ROOMS = {
    "audit": "wolfnote.bundle.audits",
    "probe": "wolfnote.bundle.probes",
    "bench": "wolfnote.bundle.benches",
    "advise": "wolfnote.bundle.advices",
    "measure": "wolfnote.bundle.shifts",
    "tune": "wolfnote.bundle.tunes",
}
SHOWN = 200


class Compared(NamedTuple):
    """What differs between a stored result and what follows from the rows, or why it could not be computed."""

    faults: list[str]
    unable: str = ""


def compare(stored: Result, run: Path, signed: bool | None = None) -> Compared:
    """Compute the result of ``run`` again and name every difference. ``signed``: of a check whose texts were withheld, whether
    its audit was signed."""
    try:
        now = concluding.conclude(run, signed) if stored.kind == "check" else _recomputed(stored.kind, run)
    except ModuleNotFoundError as error:
        return Compared([], f"nothing here can compute a {stored.kind} again ({error})")
    except WolfnoteError as error:
        return Compared([f"cannot follow from its rows: {error}"])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, msgspec.MsgspecError) as error:
        return Compared([f"its rows are damaged ({type(error).__name__}: {str(error)[:SHOWN]})"])
    return Compared(list(differences(stored, now, stored.kind)))


def _recomputed(kind: str, run: Path) -> Result:
    if kind not in ROOMS:
        raise ModuleNotFoundError(f"no room is named for {kind}")
    found: Result = importlib.import_module(ROOMS[kind]).recompute(run)
    return found


def differences(stored: Result, now: Result, name: str) -> Iterator[str]:
    """Each thing that is stored otherwise than it follows."""
    if stored.verdict is not now.verdict:
        yield f"{name}: verdict {stored.verdict.value} is stored, {now.verdict.value} follows"
    yield from _estimates(stored.estimates, now.estimates, name)
    for what in ("reasons", "findings", "skipped", "tables", "kind"):
        before, after = getattr(stored, what), getattr(now, what)
        if before != after:
            yield f"{name}: {what} are not what follows: {_first(before, after)}"
    if [part.kind for part in stored.parts] != [part.kind for part in now.parts]:
        yield f"{name}: its parts are not those that follow"
        return
    for one, other in zip(stored.parts, now.parts, strict=True):
        yield from differences(one, other, f"{name} / {one.kind}")


def _estimates(stored: tuple[Estimate, ...], now: tuple[Estimate, ...], name: str) -> Iterator[str]:
    if [e.name for e in stored] != [e.name for e in now]:
        yield f"{name}: its estimates are not those that follow"
        return
    for one, other in zip(stored, now, strict=True):
        for what in ("value", "low", "high", "n"):
            if not _same(getattr(one, what), getattr(other, what)):
                yield f"{name}: {one.name}: {what} {getattr(one, what)} is stored, {getattr(other, what)} follows"
        if one.method != other.method:
            yield f"{name}: {one.name}: the method is stored as {one.method!r}, it is {other.method!r}"


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _first(before: object, after: object) -> str:
    """The first place where two sequences differ, short."""
    if not (isinstance(before, tuple) and isinstance(after, tuple)):
        return f"{str(before)[:SHOWN]!r} is stored, {str(after)[:SHOWN]!r} follows"
    if len(before) != len(after):
        return f"{len(before)} are stored, {len(after)} follow"
    one, other = next((a, b) for a, b in zip(before, after, strict=True) if a != b)
    return f"{str(one)[:SHOWN]!r} is stored, {str(other)[:SHOWN]!r} follows"
