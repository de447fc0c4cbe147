"""Tier 1 over one shard: every detector reads every row, every survey notes its facts. A shard goes in, a folder comes out.

This is the function that workers run: it has no state, needs nothing but its arguments, and can run again at any time. The
folder takes its name by rename when all of it is written, so it exists if and only if the shard is done:

rows.parquet       the rows, by number, and who could not read them
unread.parquet     what was no row          flags.parquet   what detectors said
facts-N.parquet    of survey N              draw.jsonl      the rows that the draw may need
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.audit import columns, draw, profile
from wolfnote.audit.detector import Detector, Flag, Reading, Survey, Unreadable
from wolfnote.audit.shards import Shard
from wolfnote.errors import WolfnoteError
from wolfnote.records import Reading as How
from wolfnote.records import Sample

PIECE, LETTERS = 1000, 1 << 20
"""Rows, and characters of them, that a detector is handed at once."""
EVIDENCE = 200


class Orders(NamedTuple):
    """What is the same for every shard."""

    folder: Path
    how: How
    detectors: Sequence[Detector]
    surveys: Sequence[Survey]
    limit: int
    risky: int
    seed: int
    origins: Sequence[str] = ()
    """Names that the column with a row's source may have."""


def scan(shard: Shard, orders: Orders) -> Path:
    """Read a shard into ``orders.folder``; the folder of the finished shard, which may have been there before."""
    done = orders.folder / f"{shard.number:06}"
    if done.is_dir():
        return done
    part = done.with_name(f".{done.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    notes = _Notes(orders, shard.first)
    for piece in _pieces(shard, orders.how, notes):
        notes.add(piece)
    notes.write(part)
    part.rename(done)
    return done


class _Notes:
    """What is found in one shard: its size bounds it."""

    def __init__(self, orders: Orders, first: int) -> None:
        self._orders, self._next = orders, first
        self.rows: list[tuple[Any, ...]] = []
        self.unread: list[tuple[Any, ...]] = []
        self.flags: list[tuple[Any, ...]] = []
        self.facts: list[list[dict[str, Any]]] = [[] for _ in orders.surveys]
        self.draw = draw.Draw(orders.limit, orders.risky)

    def add(self, samples: Sequence[Sample]) -> None:
        """Have a piece read by all."""
        first, self._next = self._next, self._next + len(samples)
        found: list[list[Flag]] = [[] for _ in samples]
        blind: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for detector in self._orders.detectors:
            for at, reading in enumerate(read(detector, samples)):
                if isinstance(reading, Unreadable):
                    blind[at].append((detector.code, reading.reason))
                else:
                    found[at] += reading
        for at, (sample, flags) in enumerate(zip(samples, found, strict=True)):
            row = first + at
            about = (*place(sample.source), roles(sample), profile.source(sample, self._orders.origins))
            self.rows.append((row, sample.id, *about, *unread(blind.get(at, ()))))
            self.flags += [line(row, flag) for flag in flags]
            self.draw.add(draw.Drawn(draw.rank(self._orders.seed, sample), row, draw.risk(flags), sample))
        for facts, survey in zip(self.facts, self._orders.surveys, strict=True):
            facts += survey.note(samples, first, found)

    def write(self, folder: Path) -> None:
        """Everything into a folder."""
        columns.write(folder / "rows.parquet", columns.ROWS, self.rows)
        columns.write(folder / "unread.parquet", columns.UNREAD, self.unread)
        columns.write(folder / "flags.parquet", columns.FLAGS, self.flags)
        for number, facts in enumerate(self.facts):
            columns.write_facts(folder / f"facts-{number}.parquet", facts)
        with (folder / "draw.jsonl").open("wb") as out:
            out.writelines(msgspec.json.encode(drawn) + b"\n" for drawn in self.draw.kept())


def read(detector: Detector, samples: Sequence[Sample]) -> list[Reading]:
    """One reading a row. A row at which the detector fails is unreadable, and the others are read."""
    try:
        return detector.read(samples)
    except WolfnoteError:  # not the row's fault
        raise
    except Exception as error:  # rows are hostile, and an audit of a million does not end at one of them
        if len(samples) == 1:
            return [Unreadable(f"the detector failed on it ({type(error).__name__})")]
        return [reading for sample in samples for reading in read(detector, [sample])]


def line(row: int, flag: Flag) -> tuple[Any, ...]:
    """A flag as a row of its table."""
    message, evidence = flag.message[:EVIDENCE], flag.evidence[:EVIDENCE]
    return (row, flag.turn, flag.code, flag.category, message, evidence, flag.counts)


def unread(blind: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Codes and reasons of the detectors that could not read a row, as two texts."""
    each = sorted(set(blind))
    return " ".join(dict.fromkeys(code for code, _ in each)), columns.SPLIT.join(f"{code} {reason}" for code, reason in each)


def roles(sample: Sample) -> str:
    """A letter a turn; those of a rejected answer come last."""
    return "".join([m.role[0] for m in sample.messages] + [m.role[0] for m in sample.rejected])


def place(source: str) -> tuple[str, int]:
    """The path and the line of a source, 0 where it names none."""
    path, _, number = source.rpartition(":")
    return (path, int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else (source, 0)


def _pieces(shard: Shard, how: How, notes: _Notes) -> Iterator[list[Sample]]:
    """The shard's rows in pieces; what is no row goes to the notes."""
    samples: list[Sample] = []
    letters = 0
    for item in shard.read(how):
        if not isinstance(item, Sample):
            notes.unread.append((*place(item.source), item.reason))
            continue
        samples.append(item)
        letters += sum(len(m.content) for m in item.messages)
        if len(samples) == PIECE or letters >= LETTERS:
            yield samples
            samples, letters = [], 0
    if samples:
        yield samples
