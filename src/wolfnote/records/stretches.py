"""Stretches of a JSONL file: whole rows between two bytes, so that several processes can read one file.

Cutting counts line ends and decodes nothing. Any other container, and rows that make one conversation together, has to be read
from its beginning.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wolfnote.records import files, mapping, sources
from wolfnote.records.reading import Reading, Row, items

LOOK = 1 << 20
"""Bytes read at once while a line end is looked for."""


class Stretch(NamedTuple):
    """``size`` bytes of a file from ``start``, whole ``lines``; the first byte begins the line numbered ``line``."""

    path: str
    start: int
    size: int
    line: int
    lines: int


def divisible(file: Path, reading: Reading) -> bool:
    """Whether a file can be read in stretches: plain JSONL whose rows stand for themselves."""
    plain = file.suffix.lower() in (".jsonl", ".ndjson") and file.is_file()
    return plain and not mapping.is_messages(reading)


def cut(file: Path, size: int) -> Iterator[Stretch]:
    """The file in stretches of about ``size`` bytes; a row longer than that makes a longer one.

    Raises ``InputError`` when the file cannot be read.
    """
    with files.open(file) as stream:
        start, line = stream.tell(), 1
        while head := stream.read(size):
            lines, length = head.count(b"\n"), len(head)
            if not head.endswith(b"\n"):
                length += _finish(stream)
                lines += 1
            yield Stretch(str(file), start, length, line, lines)
            start, line = start + length, line + lines


def read(stretch: Stretch, reading: Reading) -> Iterator[Row]:
    """The rows of a stretch, as ``records.rows`` gives them, with their lines in the whole file."""
    path = Path(stretch.path)
    with path.open("rb") as stream:
        stream.seek(stretch.start)
        raws = sources.jsonl(_Window(stream, stretch.size), reading.row_limit)
        yield from items(path, ((stretch.line - 1 + line, raw) for line, raw in raws), reading)


def _finish(stream: io.BufferedReader) -> int:
    """Read to the end of the line; how many bytes that was."""
    length = 0
    while piece := stream.readline(LOOK):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    return length


class _Window:
    """The next ``left`` bytes of a stream, line by line."""

    def __init__(self, stream: io.BufferedReader, left: int) -> None:
        self._stream, self._left = stream, left

    def readline(self, limit: int) -> bytes:
        """At most ``limit`` bytes of a line."""
        line = self._stream.readline(min(limit, self._left))
        self._left -= len(line)
        return line
