"""How much of an answer stands in the passages: of its content words and numbers, the part that is found there.

A rule, so it sees words and not sense: an answer that turns a passage round scores well, one that says it in other words badly.
It informs and never decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from wolfnote.advise import words
from wolfnote.advise.documents import Passage
from wolfnote.advise.scorers import declines

STEM = 5
"""Letters by which two forms of a word are taken for one."""


def read(answer: str, question: str, passages: Sequence[Passage]) -> float | None:
    """0–1; None for an answer that says nothing of its own (it declines, or only repeats the question)."""
    if not passages or declines(answer):
        return None
    asked = {_stem(w) for w in words.content(question)}
    said = {_stem(w) for w in words.content(answer)} - asked
    there = {_stem(w) for p in passages for w in words.content(p.text)}
    return len(said & there) / len(said) if said else None


def _stem(word: str) -> str:
    return word if word[:1].isdigit() else word[:STEM]
