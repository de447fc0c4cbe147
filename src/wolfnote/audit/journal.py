"""An append-only file of one kind of struct, a line each: what is in it stays, whoever is killed.

A line is on the disk before ``append`` returns. Several processes may append; a reader sees whole lines only. A line that a
kill tore, or that a hand spoilt, is passed over and counted.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Generic, TypeVar

import msgspec

from wolfnote.errors import RunError

T = TypeVar("T", bound=msgspec.Struct)


class Journal(Generic[T]):
    """The lines of ``path`` as structs of ``kind``. Safe to share between threads."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self.path = path
        self.passed_over = 0
        """Lines that are no ``kind``, so far."""
        self._decoder = msgspec.json.Decoder(kind)
        self._known: list[T] = []
        self._read_to = 0
        self._lock = threading.Lock()

    def read(self) -> list[T]:
        """Every entry there is, oldest first; only what was added since the last call is read from the disk."""
        with self._lock:
            if self.path.exists():
                with self.path.open("rb") as file:
                    file.seek(self._read_to)
                    self._take(file.read())
            return list(self._known)

    def append(self, entries: Sequence[T]) -> None:
        """Write entries to the disk and wait until they are there; all of them, or after a failure none.

        Raises ``RunError`` when the disk does not take them.
        """
        if not entries:
            return
        data = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        try:
            with self._lock, self.path.open("ab+", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                _write(file, data)
        except OSError as error:
            raise RunError(f"{self.path}: not written ({error.strerror}) → free the disk and answer again") from None

    def _take(self, data: bytes) -> None:
        whole = data.rfind(b"\n") + 1  # the rest is torn, or still being written
        self._read_to += whole
        for line in data[:whole].split(b"\n"):
            if not line:
                continue
            try:
                self._known.append(self._decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self.passed_over += 1


def _write(file: IO[bytes], data: bytes) -> None:
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            data = b"\n" + data  # a torn line stays as it is; the next one must not continue it
    else:
        _sync_folder(file)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except BaseException:
        os.ftruncate(file.fileno(), end)
        raise


def _sync_folder(file: IO[bytes]) -> None:
    """A new file's name must be on the disk as well."""
    folder = os.open(os.path.dirname(os.path.abspath(file.name)), os.O_RDONLY)  # noqa: PTH100, PTH120 - a descriptor's name
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
