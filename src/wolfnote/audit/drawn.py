"""The rows that people read: ``draw.jsonl`` of an audit, found by their place in the file and loaded one at a time.

A line: ``{"row": id, "source": "path:line", "part": "random" | "risk", "messages": […], "rejected": […], "flags": […]}``. The
random part is what rates are of; the risk part was picked by the detectors and enters no rate. All rows are read in one order,
that of their hashed ids: nobody can tell the parts apart, and whoever stops early has still read a random part of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from wolfnote.errors import InputError, RunError

FILE = "draw.jsonl"
Part = Literal["random", "risk"]
REMEDY = "give the folder of a finished audit"


class Place(NamedTuple):
    """Where a drawn row came from, which part it belongs to, and where its line lies in the file, in bytes."""

    row: str
    source: str
    part: Part
    start: int
    length: int


class Drawn(NamedTuple):
    """The draw of a run. ``places``: each row once, in the order in which people read it. ``random``: the ids of the random
    part, as often as they were drawn (data may hold a row twice)."""

    path: Path
    places: Sequence[Place]
    random: Sequence[str]

    def load(self, number: int) -> dict[str, Any]:
        """The whole line of ``places[number]``.

        Raises ``IndexError`` when there is none, ``RunError`` when the file was replaced since it was read.
        """
        place = self.places[number]
        with self.path.open("rb") as file:
            file.seek(place.start)
            line = file.read(place.length)
        try:
            found = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = {}
        if found.get("row") != place.row:
            raise RunError(f"{self.path}: the draw was changed meanwhile → start the review again")
        return found


class _Head(msgspec.Struct):
    row: str
    source: str = ""
    part: Part = "random"


def read(run: Path) -> Drawn:
    """The draw that lies in a run folder. Raises ``InputError`` when there is none, or a line of it is damaged."""
    path = run / FILE
    if not path.is_file():
        raise InputError("no drawn rows here", where=str(path), remedy=REMEDY)
    every = list(_places(path))
    if not every:
        raise InputError("no rows to review", where=str(path), remedy=REMEDY)
    random = [place.row for place in every if place.part == "random"]
    once = {place.row: place for place in sorted(every, key=lambda place: place.part, reverse=True)}
    return Drawn(path, sorted(once.values(), key=_rank), random)


class Shown(msgspec.Struct, frozen=True):
    """A drawn row as findings tell of it."""

    source: str
    part: Part
    answer: str


def shown(run: Path) -> list[Shown]:
    """The drawn rows in the order of the file: the random ones in the order of the data, then the risky ones."""
    lines = (run / FILE).read_bytes().splitlines()
    return [Shown(line.source, line.part, line.messages[-1].content or "") for line in map(_LINE.decode, lines)]


class _Turn(msgspec.Struct):
    content: str | None = None


class _Line(_Head):
    messages: list[_Turn] = []


_LINE = msgspec.json.Decoder(_Line)


def _places(path: Path) -> Iterator[Place]:
    decoder = msgspec.json.Decoder(_Head)
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                head = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                remedy = "run the audit again into a new folder"
                raise InputError(f"not a drawn row ({error})", where=f"{path}:{number}", remedy=remedy) from None
            yield Place(head.row, head.source, head.part, start, len(line))
            start += len(line)


def _rank(place: Place) -> bytes:
    return hashlib.sha256(f"review/{place.row}".encode()).digest()
