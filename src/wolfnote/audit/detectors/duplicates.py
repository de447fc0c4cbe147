"""WN126 · the same row again

A row that occurs many times is learnt many times as hard, and then by heart.

Bad:  one ticket exported once for every agent who touched it
Good: two customers with the same question, answered each in its own words

Source: deduplicated data make models that repeat less of it (arXiv 2107.06499). Rows are compared by the hash of their content,
all turns included; the first one stays unflagged. Known false positives: rows repeated on purpose, to weigh more. Known misses:
a change of one letter, which WN127 looks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wolfnote.audit import facts as files
from wolfnote.audit.detector import Flag, Found
from wolfnote.records import Sample

CODE = "WN126"
REPEATED = """
SELECT f.row, f.turn, g.place, g.times FROM facts f JOIN (
    SELECT content, min(row) AS first, arg_min(place, row) AS place, count(*) AS times
    FROM facts GROUP BY content HAVING count(*) > 1
) g ON f.content = g.content WHERE f.row > g.first ORDER BY f.row
"""


class Survey:
    """Content hashes of all rows, and which occur again."""

    code, name = CODE, "the same row again"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """A row's content as 63 bits of its id, and its place."""
        for row, sample in enumerate(samples, first):
            yield {"row": row, "turn": len(sample.messages) - 1, "content": content(sample), "place": sample.source}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """A flag on each row but the first of its content; none counts as a hazard."""
        for row, turn, place, times in files.query(REPEATED, facts):
            yield row, Flag(CODE, "form", turn, f"the same as {place}; {times} such rows", counts=False)


def content(sample: Sample) -> int:
    """63 bits of the hash of a row's content."""
    return int(sample.id, 16) >> 1
