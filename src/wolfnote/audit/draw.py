"""Which rows are read closely: a random draw that anyone can repeat, and beside it the riskiest rows.

A row's rank is a hash of seed, id and place; the lowest ranks are drawn. So shards can draw apart and be merged, in any order,
and rows appended later reshuffle nothing. The riskiest rows are picked by flags, for people to see; they enter no rate.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote.audit.detector import Flag
from wolfnote.records import Sample


class Drawn(msgspec.Struct, frozen=True):
    """A row that the draw may need. ``risk``: kinds of flags that count, of the six categories and of form."""

    rank: int
    number: int
    risk: tuple[int, int]
    sample: Sample


class Draw:
    """The ``limit`` rows of lowest rank so far, and of the others the ``risky`` ones with the most flags.

    Of each shard so many are enough for the draw of all: a row of it is among the lowest, or among the riskiest of the others,
    of its own shard too.
    """

    def __init__(self, limit: int, risky: int) -> None:
        self._limit, self._risky = limit, risky
        self._random: list[tuple[int, int, Drawn]] = []
        self._risk: list[tuple[tuple[int, int], int, int, Drawn]] = []

    def add(self, drawn: Drawn) -> None:
        """Look at one row more."""
        out = drawn
        if len(self._random) < self._limit:
            heapq.heappush(self._random, (-drawn.rank, drawn.number, drawn))
            return
        if self._limit and drawn.rank < -self._random[0][0]:
            *_, out = heapq.heapreplace(self._random, (-drawn.rank, drawn.number, drawn))
        if out.risk > (0, 0):
            heapq.heappush(self._risk, (out.risk, -out.rank, out.number, out))
            if len(self._risk) > self._risky:
                heapq.heappop(self._risk)

    def random(self) -> list[Drawn]:
        """The random draw, in the order of the data."""
        return sorted((drawn for *_, drawn in self._random), key=lambda drawn: drawn.number)

    def risk(self) -> list[Drawn]:
        """The riskiest of the others, the riskiest first."""
        return [drawn for *_, drawn in sorted(self._risk, reverse=True)]

    def kept(self) -> Iterator[Drawn]:
        """Both, without the rows' metadata, which nobody reads them for."""
        for drawn in (*self.random(), *self.risk()):
            sample = msgspec.structs.replace(drawn.sample, metadata={})
            yield msgspec.structs.replace(drawn, sample=sample)


def merged(files: Iterable[Path], limit: int, risky: int) -> Draw:
    """The draw of all shards, from what each has kept."""
    whole = Draw(limit, risky)
    decoder = msgspec.json.Decoder(Drawn)
    for file in files:
        with file.open("rb") as lines:
            for line in lines:
                whole.add(decoder.decode(line))
    return whole


def rank(seed: int, sample: Sample) -> int:
    """Where a row stands in the draw of this seed. Its place counts by the file's own name, wherever the folder lies."""
    return _hash(f"{seed}/{sample.id}/{sample.source.rpartition('/')[2]}")


def risk(flags: Sequence[Flag]) -> tuple[int, int]:
    """How many kinds of flags count, of the six categories and of form."""
    if not flags:
        return (0, 0)
    kinds = {(flag.category == "form", flag.code) for flag in flags if flag.counts}
    form = sum(of_form for of_form, _ in kinds)
    return len(kinds) - form, form


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """``count`` rows (or all) of those in memory, chosen by the hash of seed, row id and place, in the order of the data."""
    if count >= len(samples):
        return list(samples)
    ranked = sorted(range(len(samples)), key=lambda i: _hash(f"{seed}/{samples[i].id}/{i}"))
    return [samples[i] for i in sorted(ranked[:count])]


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1
