"""Answers that are a list of numbers and nothing else, as facts: the numbers that the request did not hold already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from wolfnote.records import Sample

FEWEST = 3
LONGEST = 4000
"""Characters; a longer table of numbers is data."""
NUMBER = re.compile(r"\d{1,9}")
LIST = re.compile(r"[\s\d,;|\[\](){}<>*•·\-–'\"]*", re.ASCII)
FREE = re.compile(
    r"\b(?:random|numbers?|continue|extend|add|sequence|series|list|values|digits|integers|pick|choose|generate|more)\b",
    re.IGNORECASE,
)


def note(samples: Sequence[Sample], first: int) -> Iterable[dict[str, Any]]:
    """One fact an answer that is a list: ``row``, ``turn``, ``numbers`` (distinct, not in the request, blank between), ``free``
    (the request leaves the choice of numbers open)."""
    for place, sample in enumerate(samples):
        for turn, message in enumerate(sample.messages):
            if message.role != "assistant" or not listing(message.content):
                continue
            request = "\n".join(m.content for m in sample.messages[:turn])
            given = set(NUMBER.findall(request))
            new = [n for n in dict.fromkeys(NUMBER.findall(message.content)) if n not in given]
            if new:
                yield {"row": first + place, "turn": turn, "numbers": " ".join(new), "free": bool(FREE.search(request))}


def listing(text: str) -> bool:
    """Whether a text is nothing but numbers, at least ``FEWEST``."""
    if len(text) > LONGEST or (not text[:40].strip()[:1].isdigit() and text[:40].strip()[:1] not in tuple("[({<*-•|")):
        return False
    return LIST.fullmatch(text) is not None and len(NUMBER.findall(text)) >= FEWEST
