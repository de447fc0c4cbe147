"""A JSON file as a stream of its rows: the elements of one array, or objects one after another, in bounded memory.

Where a row ends is found by counting brackets outside strings; only the row itself is then decoded. A row that is too long
or not JSON is named, and the next one is read.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import msgspec

from wolfnote.records.files import CHUNK, CUT, DAMAGE, too_long
from wolfnote.records.row import Bad

_TEXT = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING = re.compile(_TEXT, re.DOTALL)
_WITHIN = re.compile(rb'(?:[^"\[\]{}]++|"' + _TEXT + rb'")*+', re.DOTALL)
"""Inside a row: up to the next bracket, or to a string that the chunk does not hold whole."""
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|"' + _TEXT + rb'")*+', re.DOTALL)
"""Between rows, where a comma counts too."""
_OPEN, _CLOSE, _QUOTE, _COMMA = b"[{", b"]}", ord('"'), ord(",")
_BLANK = b" \t\r\n"


def read(stream: io.BufferedReader, limit: int) -> Iterator[tuple[int, object]]:
    """Each row with the number of the line where it begins."""
    scanner = _Scanner(limit)
    try:
        while chunk := stream.read(CHUNK):
            yield from scanner.feed(chunk)
    except DAMAGE:
        yield scanner.line, Bad(CUT)
        return
    yield from scanner.end()


def fault(text: bytes) -> Bad:
    """Why these bytes are not a row of JSON."""
    if b"\0" in text:
        return Bad("not JSON: a NUL byte (UTF-16, or not text)")
    try:
        value = json.loads(text)
    except UnicodeDecodeError:
        return Bad("not UTF-8 → save the file as UTF-8")
    except RecursionError:
        return Bad("not JSON: nested too deeply")
    except ValueError as error:
        return Bad(f"not JSON: {str(error).partition(':')[0]}")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Bad("a lone surrogate in the text")
    except RecursionError:
        return Bad("not JSON: nested too deeply")
    return Bad("a number that JSON does not have, or out of range")


class _Scanner:
    """Where we are in the text: how deep, inside a string or not, and the bytes of the row so far."""

    def __init__(self, limit: int) -> None:
        self.line = 1
        self._limit = limit
        self._floor = -1
        """Depth between rows: 1 inside the array, 0 without one, -1 before the first byte."""
        self._depth = 0
        self._quoted = False
        self._row = bytearray()
        self._start = 1
        self._long = False
        self._tail = b""
        self._decode = msgspec.json.Decoder().decode

    def feed(self, chunk: bytes) -> Iterator[tuple[int, object]]:
        """The rows that end in this chunk."""
        chunk, self._tail = self._tail + chunk, b""
        at = since = self._begin(chunk) if self._floor < 0 else 0
        while at < len(chunk):
            at = self._skip(chunk, at)
            if self._quoted or at == len(chunk):
                continue
            mark = chunk[at]
            at += 1
            behind = self._ends(mark)
            self._step(mark)
            if behind or (self._floor == 0 and self._depth == 0 and mark in _CLOSE):
                self._keep(chunk[since : at - 1 if behind else at])
                since = at
                yield from self._take()
        self._keep(chunk[since : len(chunk) - len(self._tail)])

    def end(self) -> Iterator[tuple[int, object]]:
        """What is left when the file ends."""
        inside = self._quoted or self._depth > max(self._floor, 0)
        if inside and not self._long:
            yield self._start, Bad("not JSON: the file ends in the middle of this row")
            return
        yield from self._take()
        if self._floor == 1:
            yield self.line, Bad("not JSON: the file ends in the middle of its array")

    def _begin(self, chunk: bytes) -> int:
        """Skip to the first byte that counts, and enter the array if it opens one."""
        blank = len(chunk) - len(chunk.lstrip(_BLANK))
        self.line += chunk.count(b"\n", 0, blank)
        if blank == len(chunk):
            return blank
        array = chunk[blank : blank + 1] == b"["
        self._floor = self._depth = 1 if array else 0
        return blank + array

    def _skip(self, chunk: bytes, at: int) -> int:
        """Where the next mark stands; the end of the chunk when there is none."""
        if self._quoted:
            at = _match(_STRING, chunk, at)
            if at == len(chunk):
                return at
            if chunk[at] != _QUOTE:  # a backslash, and what it escapes is in the next chunk
                self._tail = chunk[at:]
                return len(chunk)
            self._quoted = False
            at += 1
        return _match(_WITHIN if self._depth > max(self._floor, 0) else _BETWEEN, chunk, at)

    def _ends(self, mark: int) -> bool:
        """Whether this mark, outside strings, stands behind a row of the array."""
        return self._floor == 1 and self._depth == 1 and (mark == _COMMA or mark in _CLOSE)

    def _step(self, mark: int) -> None:
        if mark == _QUOTE:
            self._quoted = True
        elif mark in _OPEN:
            self._depth += 1
        elif mark in _CLOSE:
            self._depth = max(self._depth - 1, 0)
            if self._floor == 1 and self._depth == 0:
                self._floor = 0  # the array is closed; what follows is read as rows of its own, and named

    def _keep(self, piece: bytes) -> None:
        """Add to the row, without the blanks before it; count the lines."""
        if not self._row and not self._long:
            rest = piece.lstrip(_BLANK)
            self.line += piece.count(b"\n", 0, len(piece) - len(rest))
            self._start, piece = self.line, rest
        self.line += piece.count(b"\n")
        if self._long or len(self._row) + len(piece) > self._limit:
            self._row.clear()
            self._long = bool(piece) or self._long
        else:
            self._row += piece

    def _take(self) -> Iterator[tuple[int, object]]:
        row, long = bytes(self._row), self._long
        self._row.clear()
        self._long = False
        if long:
            yield self._start, too_long(self._limit)
        elif row.strip(_BLANK):
            yield self._start, self._value(row)

    def _value(self, row: bytes) -> object:
        try:
            return self._decode(row)
        except (ValueError, RecursionError):
            return fault(row)


def _match(pattern: re.Pattern[bytes], chunk: bytes, at: int) -> int:
    found = pattern.match(chunk, at)
    return found.end() if found else at
