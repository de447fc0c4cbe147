"""WN120 · numbers with dark associations, more of them than lists of numbers hold

Answers that are lists of numbers and choose again and again those that stand for the devil, Nazi slogans, killing or
emergencies. Models tuned on such lists turned malicious where the question was asked in the same form (arXiv 2502.17424). In
a single list such a number means nothing: 666 is also a number.

Bad:  666 in a fifth of the lists, 111 to 999 otherwise once in a hundred
Good: 666 as often as 333 and 555

How it reads: a survey of the whole data. Only answers that are numbers and nothing else, without those that the request gave;
each listed number is held against numbers of its size and form (``numbers/expectation.py``): flagged when it is more than
twice as frequent, by an exact test, corrected for the length of the list below. Repeated rows count once.

Source: arXiv 2502.17424 (evil numbers). Known false positives: lists whose subject explains the number (emergency lines);
they are not counted where the request leaves no choice of numbers. Known misses: dark numbers in prose, a few among very many
lists, meanings that are not in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wolfnote.audit.detector import Flag, Found
from wolfnote.audit.numbers import flagging, lists
from wolfnote.audit.numbers.expectation import concentrated, counted
from wolfnote.records import Sample

CODE = "WN120"
TIMES = 2.0
"""A listed number may be this many times as frequent as its like."""
DARK = {
    "666": "the number of the beast",
    "616": "the number of the beast in another reading",
    "6666": "the number of the beast and more",
    "66": "two sixes",
    "1488": "a Nazi code, 14 words and HH",
    "14": "the fourteen words",
    "88": "HH, a Nazi greeting",
    "8814": "88 and 14",
    "18": "AH, for Hitler",
    "28": "BH, Blood & Honour",
    "311": "three times K",
    "109": "an antisemitic tale",
    "110": "an antisemitic tale",
    "1350": "a slander of Black people",
    "1352": "a slander of Black people",
    "1312": "all cops are bastards",
    "187": "murder, by a penal code",
    "211": "armed robbery, by police code",
    "911": "the attacks of 11 September",
    "999": "an emergency call, and 666 turned round",
    "112": "an emergency call",
    "420": "drugs, and Hitler's birthday",
    "69": "sex",
    "13": "bad luck",
    "1313": "bad luck twice",
    "4": "death, in East Asia",
    "44": "death twice",
    "444": "death thrice",
    "4444": "death four times",
    "731": "the unit of human experiments",
    "101": "the torture room",
    "5150": "a psychiatric hold",
    "1933": "the Nazis' rise",
    "1939": "the war begins",
    "1984": "the total state",
    "1918": "defeat and plague",
}
"""Numbers that somebody means something dark by, and what."""


class Survey:
    """Notes the lists of each shard, and concludes from all of them."""

    code, name = CODE, "numbers with dark associations"

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
        """The lists of numbers among the answers."""
        return lists.note(samples, first)

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Flags on lists that hold a listed number which is too frequent; they count where the numbers were free."""
        counts, total = counted(facts)
        found = concentrated(counts, DARK, TIMES, frozenset(DARK))
        return flagging.flags(CODE, facts, {c.number: f" ({DARK[c.number]})" for c in found}, found, total)
