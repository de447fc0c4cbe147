"""Which rows are read closely: a random draw that anyone can repeat, and that rows appended later do not reshuffle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from wolfnote.records import Sample


def draw(samples: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    """``count`` rows (or all), chosen by the hash of seed, row id and place, in the order of the data."""
    if count >= len(samples):
        return list(samples)
    ranked = sorted(range(len(samples)), key=lambda i: _rank(samples[i], i, seed))
    return [samples[i] for i in sorted(ranked[:count])]


def _rank(sample: Sample, place: int, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{sample.id}/{place}".encode()).digest()
