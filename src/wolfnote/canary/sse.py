"""Server-sent events as bytes: where one ends, and what it says. Nothing is re-encoded: what is relayed is what came.

An event ends with an empty line; lines end with LF, CRLF or CR (WHATWG HTML, section 9.2.6). A network packet may end anywhere,
in the middle of a character too, so bytes are held until their event is whole: half an event is of no use to a client, and
whoever relayed it could not add a well-formed error after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

LARGEST = 16 << 20
"""Bytes of one event. Images in the Responses API are a few MB; what is longer is no event."""

_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its name (``event:`` field, often empty) and its data, lines joined by LF."""

    name: str
    data: bytes


class Garbled(ValueError):
    """These bytes are no event stream."""


class Framer:
    """Cuts a byte stream at the ends of events. The pieces it gives, and ``rest``, joined are what went in."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._held = bytearray()

    @property
    def rest(self) -> bytes:
        """The beginning of an event that is not whole yet."""
        return bytes(self._held)

    def feed(self, piece: bytes) -> bytes:
        """The whole events that are known now, maybe none. Raises ``Garbled`` when one grows beyond ``largest`` bytes."""
        if not self._held:
            end = _cut(piece)
            if end == len(piece):
                return piece
            self._hold(piece[end:])
            return piece[:end]
        overlap = min(3, len(self._held))  # CRLFCRLF may be split anywhere
        end = _cut(bytes(self._held[-overlap:]) + piece) - overlap
        if end <= 0:
            self._hold(piece)
            return b""
        whole = bytes(self._held) + piece[:end]
        self._held.clear()
        self._hold(piece[end:])
        return whole

    def _hold(self, piece: bytes) -> None:
        if len(self._held) + len(piece) > self._largest:
            raise Garbled(f"an event of more than {self._largest} bytes")
        self._held += piece


def events(whole: bytes) -> Iterator[Event]:
    """The events in bytes that ``Framer`` gave; comments and events without data are not among them."""
    name, data = "", []
    for line in _LINE.split(whole.removeprefix(_BYTE_ORDER_MARK)):
        if line:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value.decode("utf-8", "replace")
        elif data:
            yield Event(name, b"\n".join(data))
            name, data = "", []
        else:
            name = ""


def failure(message: str, code: str, *, named: bool = False) -> bytes:
    """A well-formed error event as OpenAI's clients read it; ``named``: as the Responses API sends it.

    Also there the error stands as an object besides: the official client raises for that, and for nothing else."""
    error = {"error": {"message": message, "type": "server_error", "param": None, "code": code}}
    if named:
        told = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": 0}
        return b"event: error\ndata: " + msgspec.json.encode(told | error) + b"\n\n"
    return b"data: " + msgspec.json.encode(error) + b"\n\n"


def _cut(data: bytes) -> int:
    """Bytes up to the end of the last event that is whole; 0 = there is none."""
    if b"\r" not in data:
        return data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    end = 0
    for blank in _BLANK.finditer(data):
        end = blank.end()
    return end
