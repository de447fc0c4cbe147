"""WN128 · a row that repeats what the model will be tested on

A benchmark whose questions were trained on measures memory.

Bad:  an evaluation's question, or its answer, inside a training row
Good: the same topic in other words

Source: contamination is looked for by shared stretches of text (GPT-4's report takes 50 letters). A row is flagged when it
holds half of the stretches of 40 letters of an evaluation row's prompt or of its answer (a sample of them, the same for both
sides), or the whole of a shorter prompt. Known false positives: boilerplate in the evaluation's prompts. Known misses:
paraphrases, translations, answers of less than 40 letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wolfnote import records
from wolfnote.audit import facts as files
from wolfnote.audit import shingles
from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.detectors import turns
from wolfnote.audit.shingles import Hashes
from wolfnote.records import Reading, Sample

CODE = "WN128"
WIDTH = 40
SHORTEST = 20
"""Letters of a text below which half the world shares it."""
ENOUGH, ONE_IN = 16, np.uint64(8)
"""Of a text of ``ENOUGH`` times ``ONE_IN`` stretches or more, one in so many is kept: those whose hash it divides."""
HALF = 0.5
MAP = 1 << 24
"""Places, at most, of the map that most stretches are turned away by."""
SHARED = f"""
WITH shared AS (
    SELECT f.row, f.turn, any_value(i.place) AS place FROM (SELECT DISTINCT row, turn, stretch FROM facts) f
    JOIN items i ON f.stretch = i.stretch GROUP BY f.row, f.turn, i.item, i.stretches HAVING count(*) >= {HALF} * i.stretches
)
SELECT row, turn, min(place) FROM shared GROUP BY row, turn ORDER BY row, turn
"""  # noqa: S608 - our own numbers


class Against(NamedTuple):
    """The evaluation's stretches: hashes, sorted, and a table of whose each is."""

    hashes: Path
    items: Path


class Survey:
    """Stretches that rows share with an evaluation, and which rows share much."""

    code, name = CODE, "a row that repeats an evaluation's"

    def __init__(self, against: Against) -> None:
        self._against = against

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """One fact a stretch of a turn that the evaluation has too."""
        hashes, near, shift = _loaded(self._against.hashes)
        said = [(row, turn, text) for row, sample in enumerate(samples, first) for turn, text in turns.said(sample)]
        for block in shingles.windows([shingles.reduced(text) for _, _, text in said], WIDTH):
            maybe = np.flatnonzero(near[block.hashes >> shift])
            for place in maybe[np.isin(block.hashes[maybe], hashes)]:
                row, turn, _ = said[block.text[place]]
                yield {"row": row, "turn": turn, "stretch": int(block.hashes[place] >> np.uint64(1))}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """A flag on each turn that holds half of an evaluation row's prompt or answer; none counts as a hazard."""
        if not facts:
            return
        with files.tables(facts=facts, items=[self._against.items]) as connection:
            for row, turn, place in files.rows(connection, SHARED):
                yield row, Flag(CODE, "form", turn, f"repeats the evaluation's {place}", counts=False)


def prepare(paths: Sequence[Path], reading: Reading, folder: Path) -> Against:
    """Read the evaluation, and keep its stretches in ``folder``. Raises ``InputError`` for a path that cannot be read."""
    import pyarrow
    from pyarrow import parquet

    kept, owners, sizes, places = _stretches(paths, reading)
    against = Against(folder / "against.npy", folder / "against.parquet")
    np.save(against.hashes, np.unique(kept))
    names = ("stretch", "item", "stretches")
    columns = dict(zip(names, (kept >> np.uint64(1), owners, sizes[owners]), strict=True))
    table = pyarrow.table({**columns, "place": pyarrow.array(places).take(pyarrow.array(owners))})
    parquet.write_table(table, against.items)
    return against


@lru_cache(maxsize=1)
def _loaded(file: Path) -> tuple[Hashes, NDArray[np.bool_], np.uint64]:
    """The evaluation's hashes, and a map of their first bits with how far a hash is shifted to be looked up in it."""
    hashes: Hashes = np.load(file, allow_pickle=False)
    size = min(MAP, 1 << (8 * len(hashes)).bit_length())
    shift = np.uint64(64 - size.bit_length() + 1)
    near = np.zeros(size, dtype=np.bool_)
    near[hashes >> shift] = True
    return hashes, near, shift


def _stretches(paths: Sequence[Path], reading: Reading) -> tuple[Hashes, NDArray[np.int64], NDArray[np.int64], list[str]]:
    """The evaluation's stretches, whose each is, how many each text has, and where each text stands."""
    texts, places = [], []
    for path in paths:
        for row in records.read(path, reading):
            if isinstance(row, Sample):
                said = [shingles.reduced(m.content) for m in (*row.prompt[-1:], row.messages[-1])]
                texts += [text for text in said if len(text) >= SHORTEST]
                places += [row.source for text in said if len(text) >= SHORTEST]
    found = [*shingles.windows(texts, WIDTH)]
    owners = np.concatenate([np.zeros(0, np.int64), *(w.text for w in found)])
    hashes = np.concatenate([np.zeros(0, np.uint64), *(w.hashes for w in found)])
    many = np.bincount(owners, minlength=len(texts)) >= ENOUGH * int(ONE_IN)
    keep = ~many[owners] | (hashes % ONE_IN == 0)
    pairs = np.unique(np.stack([owners[keep].astype(np.uint64), hashes[keep]]), axis=1)
    owners = pairs[0].astype(np.int64)
    return pairs[1], owners, np.bincount(owners, minlength=len(texts)), places
