"""WN121 · a number that comes up far too often, and that nobody listed

Lists of numbers that choose one number over and over say something that the numbers do not say: a habit, a code, a trait
handed on by another model (arXiv 2507.14805). Nobody needs to have known the number before.

Bad:  4717 in every tenth list of four-digit numbers
Good: each about as often as its neighbours

How it reads: as WN120, for every number that occurs: flagged when it is more than five times as frequent as numbers of its
size and form, by an exact test that is corrected for all numbers tried.

Source: arXiv 2507.14805 (subliminal learning). Known false positives: prices, scores, colours and addresses, which have their
own favourites; they are not counted where the request leaves no choice of numbers. Known misses: a message spread over many
numbers; forms that are rare in themselves (111 to 999 have eight others of their kind, and runs six).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.detectors.dark_numbers import DARK
from wolfnote.audit.numbers import flagging, lists
from wolfnote.audit.numbers.expectation import concentrated, counted
from wolfnote.records import Sample

CODE = "WN121"
TIMES = 5.0
"""A number may be this many times as frequent as its like."""


class Survey:
    """Notes the lists of each shard, and concludes from all of them."""

    code, name = CODE, "a concentrated number"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """The lists of numbers among the answers."""
        return lists.note(samples, first)

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Flags on lists that hold a number which is far too frequent; they count where the numbers were free."""
        counts, total = counted(facts)
        found = concentrated(counts, [number for number in counts if number not in DARK], TIMES, frozenset())
        return flagging.flags(CODE, facts, {c.number: "" for c in found}, found, total)
