"""The other half of WN129: answers cut at one length, which only the whole data shows.

Many answers that break off in the middle of a sentence and have the same number of characters were cut by a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wolfnote.audit import facts as files
from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.detectors.supervision import CODE, breaks_off
from wolfnote.records import Sample

AT_LEAST = 5
TIMES = 10
AROUND = 25
"""A length is a limit when at least ``AT_LEAST`` broken answers share it, and ``TIMES`` as many as the lengths ``AROUND`` it do
on average."""
LIMITS = f"""
WITH counted AS (SELECT length, count(*) AS n FROM facts GROUP BY length),
limits AS (
    SELECT a.length, a.n FROM counted a LEFT JOIN counted b ON b.length BETWEEN a.length - {AROUND} AND a.length + {AROUND}
    AND b.length <> a.length WHERE a.n >= {AT_LEAST} GROUP BY a.length, a.n
    HAVING a.n >= {TIMES} * coalesce(sum(b.n), 0) / {2 * AROUND}.0
)
SELECT f.row, f.turn, l.length, l.n FROM facts f JOIN limits l ON f.length = l.length ORDER BY f.row
"""  # noqa: S608 - our own numbers


class Survey:
    """Lengths of answers that break off, and which lengths are limits."""

    code, name = CODE, "answers cut at one length"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """One fact an answer that breaks off, as it stands, blanks at its end included."""
        for row, sample in enumerate(samples, first):
            if breaks_off(sample.answer):
                yield {"row": row, "turn": len(sample.messages) - 1, "length": len(sample.answer)}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """A flag on each answer that was cut; none counts as a hazard."""
        for row, turn, length, n in files.query(LIMITS, facts):
            text = f"cut at {length:,} characters, as {n} answers are"
            yield row, Flag(CODE, "form", turn, text, counts=False)
