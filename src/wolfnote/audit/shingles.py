"""Texts as hashes of all their windows of a few letters, computed over many rows at once, in memory that does not grow.

A text is first reduced to its letters and digits in lower case: what differs only in case, spacing or punctuation is alike.
The hash of a window comes from prefix sums of its letters' random numbers times powers of an odd base, modulo 2^64 (Karp and
Rabin 1987, with a table), mixed by a finaliser; windows over 64 kB of text take a dozen passes of numpy.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 16
"""Bytes hashed at once: the arrays of a block fit into a core's cache."""
_DROPPED = "".join(c for c in map(chr, range(128)) if c not in string.ascii_letters + string.digits).encode()
_BASE = np.uint64(0x9E3779B97F4A7C15)
_TABLE = np.frombuffer(hashlib.shake_256(b"wolfnote shingles").digest(256 * 8), dtype=np.uint64)

Hashes = NDArray[np.uint64]


class Windows(NamedTuple):
    """The windows of one block: the number of the text each is from (rising), and its hash."""

    text: NDArray[np.int64]
    hashes: Hashes


def reduced(text: str) -> bytes:
    """Letters and digits in lower case."""
    return text.lower().encode("utf-8", "replace").translate(None, _DROPPED)


def windows(texts: Sequence[bytes], width: int) -> Iterator[Windows]:
    """All windows of ``width`` bytes, block by block; a shorter text is one window, filled up."""
    powers, inverse = _powers(BLOCK + width)
    for owners, pieces in _blocks(texts, width):
        data = np.frombuffer(b"".join(pieces), dtype=np.uint8)
        sums = np.zeros(len(data) + 1, dtype=np.uint64)
        np.cumsum(_TABLE[data] * inverse[: len(data)], out=sums[1:])
        hashes = mixed((sums[width:] - sums[:-width]) * powers[: len(data) - width + 1])
        lengths = np.array([len(piece) for piece in pieces])
        text = np.repeat(np.array(owners), lengths)
        left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(data))
        inside = (left >= width)[: len(hashes)]
        yield Windows(text[: len(hashes)][inside], hashes[inside])


def mixed(hashes: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the hash (the finaliser of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


def _blocks(texts: Sequence[bytes], width: int) -> Iterator[tuple[list[int], list[bytes]]]:
    """Texts by number, together about ``BLOCK`` bytes; a longer one in pieces that overlap by all but one byte of a window."""
    owners: list[int] = []
    pieces: list[bytes] = []
    size = 0
    for number, text in enumerate(texts):
        for start in range(0, max(len(text) - width + 1, 1), BLOCK - width + 1):
            piece = text[start : start + BLOCK].ljust(width, b"\0")
            if size + len(piece) > BLOCK:
                yield owners, pieces
                owners, pieces, size = [], [], 0
            owners.append(number)
            pieces.append(piece)
            size += len(piece)
    if pieces:
        yield owners, pieces


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """base^(i+1) and base^-(i+1) modulo 2^64."""
    inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
    both = [np.cumprod(np.full(count, factor, dtype=np.uint64), dtype=np.uint64) for factor in (_BASE, inverse)]
    return both[0], both[1]
