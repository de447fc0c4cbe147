"""Data in shards: what one worker reads at once, small enough to hold.

The same data are always cut alike, so that an audit that was killed finds its finished shards again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote.records import Reading, Sample, Unread, documents, reading, stretches
from wolfnote.records.stretches import Stretch

LARGEST, SMALLEST = 8 << 20, 256 << 10
"""Bytes of a stretch. Small data are cut smaller, so that every core has some."""
PARTS = 16
ROWS, LETTERS = 4096, 4 << 20
"""Rows, and characters of them, of a shard that one process has to read for the others."""
NUMBERS = 1 << 32
"""Rows are numbered from ``NUMBERS`` times their shard's number: the order of the data, known without counting all of it."""

Item = Sample | Unread


class Shard(msgspec.Struct, frozen=True):
    """A stretch of a file, or the rows themselves."""

    number: int
    stretch: Stretch | None = None
    items: tuple[Item, ...] = ()

    @property
    def first(self) -> int:
        """The number of its first row."""
        return self.number * NUMBERS

    def read(self, how: Reading) -> Iterator[Item]:
        """Its rows, in order."""
        if self.stretch is None:
            yield from self.items
        else:
            yield from (row.item for row in stretches.read(self.stretch, how))


def of_paths(paths: Sequence[Path], how: Reading) -> Iterator[Shard]:
    """The shards of files and folders. JSONL is cut where it lies; anything else is read here, in order.

    Raises ``InputError`` for a path that is missing, unreadable, of an unknown kind, or empty.
    """
    files = [pair for path in paths for pair in _files(path)]
    size = min(max(sum(_size(file) for file, _ in files) // PARTS, SMALLEST), LARGEST)
    number = 0
    for file, folder in files:
        for shard in _of_file(file, folder, how, size, number):
            yield shard
            number = shard.number + 1


def of_items(items: Iterable[Item], number: int = 0) -> Iterator[Shard]:
    """Rows in shards, numbered from ``number``."""
    some: list[Item] = []
    letters = 0
    for item in items:
        some.append(item)
        letters += sum(len(m.content) for m in item.messages) if isinstance(item, Sample) else 0
        if len(some) == ROWS or letters >= LETTERS:
            yield Shard(number, items=tuple(some))
            some, letters, number = [], 0, number + 1
    if some:
        yield Shard(number, items=tuple(some))


def _files(path: Path) -> list[tuple[Path, Path | None]]:
    """Each file of a path, with the folder that it was found in."""
    return [(file, path) for file in documents.listed(path)] if path.is_dir() else [(path, None)]


def _of_file(file: Path, folder: Path | None, how: Reading, size: int, number: int) -> Iterator[Shard]:
    sound = folder is None or not documents.fault(folder, file)
    if sound and stretches.divisible(file, how) and _size(file):
        yield from (Shard(n, stretch) for n, stretch in enumerate(stretches.cut(file, size), number))
    elif folder is None:
        yield from of_items(reading.read(file, how), number)
    else:
        yield from of_items((row.item for row in reading.of_folder(folder, file, how)), number)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
