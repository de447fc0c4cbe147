"""How many observations a process took, in a file that outlives its kill: so that what it could not write down is counted.

A mapped page is the kernel's: a SIGKILL leaves it as it was a machine instruction before. (A power cut does not.)
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple

from wolfnote.errors import InputError

_LAYOUT = struct.Struct("<64sQ")


class Before(NamedTuple):
    """The process that had the file before: its replica name, and how many observations it took."""

    replica: str
    taken: int


class Taken:
    """The count of this process, in ``path``. ``before`` is the last one's, None where there was none."""

    def __init__(self, path: Path, replica: str) -> None:
        self._count = 0
        try:
            self._page = _mapped(path)
        except OSError as error:
            raise InputError(f"cannot be made ({error.strerror})", where=str(path), remedy="choose another place") from None
        self.before = self._read()
        self._replica = replica.encode()[:64]
        self._write()

    def add(self) -> None:
        """One more."""
        self._count += 1
        self._write()

    def close(self) -> None:
        """Unmap the file; the count stays in it."""
        self._page.close()

    def _read(self) -> Before | None:
        name, count = _LAYOUT.unpack_from(self._page)
        found = name.rstrip(b"\0").decode("utf-8", "replace")
        return Before(found, count) if found else None

    def _write(self) -> None:
        _LAYOUT.pack_into(self._page, 0, self._replica, self._count)


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        page = os.pread(descriptor, _LAYOUT.size, 0).ljust(_LAYOUT.size, b"\0")
        os.pwrite(descriptor, page, 0)  # a mapped hole in a file on a full disk kills whoever writes to it
        return mmap.mmap(descriptor, _LAYOUT.size)
    finally:
        os.close(descriptor)
