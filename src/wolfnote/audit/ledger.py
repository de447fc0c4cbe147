"""Who did what to a run, and when: ``ledger.jsonl``, append-only, each entry holding the hash of the one before.

An entry that is changed, moved or taken out breaks the chain there. That its end was cut off the chain cannot show by itself:
whoever signs signs the last hash, and what is left after a cut no longer has it.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from wolfnote.errors import RunError

FILE = "ledger.jsonl"
START = "0" * 64


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. ``facts`` are what it was about, such as counts and hashes; ``hash`` is over everything else in the entry."""

    number: int
    at: str
    """ISO 8601, UTC."""
    who: str
    what: str
    """``audit``, ``clean``, ``sign``."""
    facts: dict[str, Any]
    previous: str
    hash: str


class Broken(NamedTuple):
    """The first entry that is not what was written: its line, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def append(folder: Path, what: str, who: str, **facts: Any) -> Entry:
    """Write an entry; it is on the disk when this returns. Safe between processes.

    Raises ``RunError`` when the chain so far is broken (nothing is added to it then) or the disk does not take the entry.
    """
    path = folder / FILE
    try:
        with path.open("ab+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last, end = _last(file, path)
            entry = _sealed(last, what, who, facts)
            _write(file, end, msgspec.json.encode(entry) + b"\n")
    except OSError as error:
        raise RunError(f"{path}: not written ({error.strerror}) → free the disk and try again") from None
    return entry


def read(folder: Path) -> list[Entry]:
    """The entries, oldest first; none where there is no ledger. Raises ``RunError`` when the chain is broken."""
    entries = []
    for item in _checked(folder / FILE):
        if isinstance(item, Broken):
            raise RunError(f"{folder / FILE}: {item}")
        entries.append(item)
    return entries


def verify(folder: Path) -> Broken | None:
    """The first entry that was changed, moved, taken out or torn; None when all are as they were written."""
    return next((item for item in _checked(folder / FILE) if isinstance(item, Broken)), None)


def head(folder: Path) -> str:
    """The hash of the last entry: what a signature pins. Raises ``RunError`` when the chain is broken."""
    entries = read(folder)
    return entries[-1].hash if entries else START


def _last(file: IO[bytes], path: Path) -> tuple[Entry | None, int]:
    """The last entry and where it ends; a line that a kill tore stands behind it, and nobody was told that it was written."""
    file.seek(0)
    data = file.read()
    end = data.rfind(b"\n") + 1
    last = None
    for item in _chain(data[:end].split(b"\n")[:-1]):
        if isinstance(item, Broken):
            raise RunError(f"{path}: {item}; nothing is added to a broken ledger")
        last = item
    return last, end


def _sealed(last: Entry | None, what: str, who: str, facts: dict[str, Any]) -> Entry:
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    number, previous = (last.number + 1, last.hash) if last else (1, START)
    kept = json.loads(json.dumps(facts))  # what is hashed now is what is read back later
    return Entry(number, at, who, what, kept, previous, _hash(number, at, who, what, kept, previous))


def _write(file: IO[bytes], end: int, line: bytes) -> None:
    os.ftruncate(file.fileno(), end)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except BaseException:
        os.ftruncate(file.fileno(), end)
        raise


def _checked(path: Path) -> Iterator[Entry | Broken]:
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")
    yield from _chain(lines[:-1])
    if lines[-1]:
        yield Broken(len(lines), "torn: the step was not finished")


def _chain(lines: list[bytes]) -> Iterator[Entry | Broken]:
    """The entries up to the first that does not hold, and that as ``Broken``."""
    previous = START
    decoder = msgspec.json.Decoder(Entry)
    for number, line in enumerate(lines, 1):
        try:
            entry = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Broken(number, "not an entry")
            return
        if entry.previous != previous or entry.number != number:
            yield Broken(number, "does not follow the entry before: one was taken out, put in or moved")
            return
        if entry.hash != _hash(entry.number, entry.at, entry.who, entry.what, entry.facts, entry.previous):
            yield Broken(number, "was changed after it was written")
            return
        previous = entry.hash
        yield entry


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
