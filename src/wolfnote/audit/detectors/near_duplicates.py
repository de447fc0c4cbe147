"""WN127 · nearly the same row

Templates filled in many times over, or copies with a name changed: the model learns the template, not the task, and a random
draw of rows says less than its size promises.

Bad:  "Hello Anna, your parcel 4711 is on its way …" × 2,000
Good: answers that share a greeting and differ in what they say

Source: MinHash (Broder 1997) with one permutation and rotation (arXiv 1406.4784), over windows of 12 letters of all turns.
Of 60 smallest hashes at least 48 must agree, which estimates a likeness (Jaccard) of 0.8; pairs come together where 5 hashes in
a row agree in one of 12 places, as 99 % of rows with that likeness do. The first of each group stays unflagged. Known false
positives: short rows out of a closed set, such as labels. Known misses: paraphrases and translations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wolfnote.audit import facts as files
from wolfnote.audit import shingles
from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.detectors import turns
from wolfnote.audit.detectors.duplicates import content
from wolfnote.records import Sample

CODE = "WN127"
WIDTH = 12
BANDS, IN_BAND = 12, 5
BINS = BANDS * IN_BAND
AGREE = 48
"""Of ``BINS`` smallest hashes: a likeness of about 0.8."""
LETTERS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_", dtype=np.uint8)
_NONE = np.uint32(0xFFFFFFFF)

FIRST = "CREATE TEMP TABLE once AS SELECT min(row) AS row, arg_min(signature, row) AS signature FROM facts GROUP BY content"
PAIRS = "CREATE TEMP TABLE pairs (row BIGINT, first BIGINT)"
BAND = """
INSERT INTO pairs SELECT o.row, b.first FROM once o JOIN (
    SELECT substring(signature, {at}, {size}) AS band, min(row) AS first, arg_min(signature, row) AS signature
    FROM once GROUP BY band HAVING count(*) > 1
) b ON substring(o.signature, {at}, {size}) = b.band WHERE o.row > b.first AND hamming(o.signature, b.signature) <= {differ}
"""
NEAR = """
WITH nearest AS (SELECT row, min(first) AS first FROM pairs GROUP BY row)
SELECT n.row, f.turn, g.place FROM nearest n JOIN facts f ON f.row = n.row JOIN facts g ON g.row = n.first ORDER BY n.row
"""


class Survey:
    """Signatures of all rows, and which are nearly alike."""

    code, name = CODE, "nearly the same row"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """A row's signature: 60 letters, of which two rows share about the share of windows that they have in common."""
        texts = [shingles.reduced("".join(text for _, text in turns.said(s))) for s in samples]
        written = signatures(texts)
        for row, (sample, signature) in enumerate(zip(samples, written, strict=True), first):
            facts = {"turn": len(sample.messages) - 1, "content": content(sample), "place": sample.source}
            yield {"row": row, "signature": signature, **facts}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """A flag on each row that is like an earlier one and not the same; none counts as a hazard."""
        if not facts:
            return
        with files.tables(facts=facts) as connection:
            connection.execute(FIRST)
            connection.execute(PAIRS)
            for band in range(BANDS):
                connection.execute(BAND.format(at=band * IN_BAND + 1, size=IN_BAND, differ=BINS - AGREE))
            for row, turn, place in files.rows(connection, NEAR):
                yield row, Flag(CODE, "form", turn, f"nearly the same as {place}", counts=False)


def signatures(texts: Sequence[bytes]) -> list[str]:
    """One signature a text, of ``BINS`` letters."""
    smallest = np.full(len(texts) * BINS, _NONE, dtype=np.uint32)
    for text, hashes in shingles.windows(texts, WIDTH):
        bins = ((hashes >> np.uint64(32)) * np.uint64(BINS)) >> np.uint64(32)
        np.minimum.at(smallest, text * BINS + bins.astype(np.int64), (hashes & np.uint64(_NONE)).astype(np.uint32))
    filled = _rotated(smallest.reshape(len(texts), BINS))
    letters = LETTERS[shingles.mixed(filled.astype(np.uint64)) & np.uint64(63)].tobytes().decode("ascii")
    return [letters[at : at + BINS] for at in range(0, len(letters), BINS)]


def _rotated(smallest: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Empty bins take the value of the next one to the right, told apart by how far that is."""
    filled = smallest.copy()
    for place in range(2 * BINS - 2, -1, -1):
        here, right = place % BINS, (place + 1) % BINS
        empty = (smallest[:, here] == _NONE) & (filled[:, right] != _NONE)
        filled[empty, here] = filled[empty, right] + np.uint32(0x9E3779B1)
    return filled
