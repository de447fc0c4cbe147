"""From one file to another: what could not be read on the way is counted and shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from wolfnote.records.reading import FEW, Reading, nothing_read, read
from wolfnote.records.row import Sample, Unread
from wolfnote.records.writing import write


class Converted(NamedTuple):
    """How many rows were written, how many could not be read, and the first of those."""

    written: int
    unread: int
    first: tuple[Unread, ...]


def convert(path: str | Path, target: str | Path, format: str = "openai", reading: Reading = Reading()) -> Converted:  # noqa: B008
    """Stream the rows of ``path`` into ``target`` in another format. Raises ``InputError`` as ``read`` and ``write`` do."""
    first: list[Unread] = []
    unread = 0

    def samples() -> Iterator[Sample]:
        nonlocal unread
        for row in read(path, reading):
            if isinstance(row, Sample):
                yield row
                continue
            unread += 1
            if len(first) < FEW:
                first.append(row)

    stream = samples()
    sample = next(stream, None)
    if sample is None:
        raise nothing_read(first, unread)
    return Converted(write(chain([sample], stream), target, format), unread, tuple(first))
