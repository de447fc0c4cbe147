"""Bytes of a file, plain or gzipped, in lines of bounded length; what is wrong with them has a name here."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from wolfnote.errors import InputError
from wolfnote.records.row import Bad

CHUNK = 1 << 20
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading from a gzip file raises when it is cut off or damaged."""
CUT = "the gzip file is cut off or damaged here; what follows could not be read → pack it again"


class Lines(Protocol):
    """What ``lines`` reads from."""

    def readline(self, limit: int, /) -> bytes:
        """At most ``limit`` bytes of a line; nothing at the end."""
        ...


def suffix(file: Path) -> str:
    """The extension in lower case, without ``.gz``."""
    name = file.name.lower().removesuffix(".gz")
    return Path(name).suffix


def open(file: Path) -> io.BufferedReader:
    """The file's bytes, unpacked, behind a byte order mark if it has one.

    Raises ``InputError`` when it is missing, a directory, not readable, not gzip behind ``.gz``, or UTF-16.
    """
    if not file.exists():
        raise InputError("no such file", where=str(file), remedy="check the path")
    if file.is_dir():
        raise InputError("is a directory", where=str(file), remedy="give a file")
    try:
        stream = gzip.open(file) if file.name.lower().endswith(".gz") else file.open("rb")  # noqa: SIM115 - the caller closes it
        head = stream.peek(4)[:4]
    except OSError as error:
        damaged = isinstance(error, gzip.BadGzipFile)
        what = "not a gzip file" if damaged else f"cannot be read ({error.strerror or error})"
        raise InputError(what, where=str(file), remedy="check the file" if damaged else "check its permissions") from None
    except DAMAGE:
        raise InputError("a gzip file without content", where=str(file), remedy="pack it again") from None
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        stream.close()
        raise InputError("UTF-16 text", where=str(file), remedy="save it as UTF-8")
    if head.startswith(codecs.BOM_UTF8):
        stream.read(len(codecs.BOM_UTF8))
    return cast("io.BufferedReader", stream)


def lines(stream: Lines, limit: int) -> Iterator[tuple[int, bytes | Bad]]:
    """Each line with its number; one over ``limit`` bytes is passed over in pieces and comes out as ``Bad``."""
    number = 0
    try:
        while line := stream.readline(limit + 1):
            number += 1
            if len(line) <= limit or line.endswith(b"\n"):
                yield number, line
                continue
            while (line := stream.readline(CHUNK)) and not line.endswith(b"\n"):
                pass
            yield number, too_long(limit)
    except DAMAGE:
        yield number + 1, Bad(CUT)


def too_long(limit: int) -> Bad:
    """Why a long row is not read."""
    return Bad(f"a row of more than {limit:,} bytes → --set data.row_limit={limit * 4}")
