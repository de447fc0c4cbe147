"""Many phrases at once: a text in one plain form, and an automaton whose phrases carry their word boundaries with them.

The plain form has lower case, one blank between words, ``0`` for every number and `` | `` between sentences. A phrase is
stored with a blank at either end, so the automaton (Aho & Corasick 1975) finds it as whole words only, and no hit inside
"class" or "Scunthorpe" ever reaches Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from wolfnote.errors import MissingExtra

LONGEST = 100_000
"""Characters of one turn that are read for their words."""
KEPT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789'.!?\n%")
_TABLE = str.maketrans({chr(at): " " for at in range(128) if chr(at).lower() not in KEPT} | {"’": "'", "‘": "'", "…": "."})
QUOTATION = re.compile(r'"[^"\n]{0,400}"|“[^”\n]{0,400}”|«[^»\n]{0,400}»')
_NUMBER = re.compile(r"[0-9]+")
_DIGIT = re.compile(r"[0-9]")


def too_long(texts: Iterable[str]) -> str:
    """Why texts could not be read whole, or nothing."""
    return f"a turn of more than {LONGEST:,} characters" if any(len(text) > LONGEST for text in texts) else ""


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The plain form, blank at both ends; remembered, since several detectors ask for the same turn."""
    words = text[:LONGEST].lower()
    if not words.isascii():
        words = _narrow(words)
    words = words.translate(_TABLE)
    if _DIGIT.search(words):
        words = _NUMBER.sub("0", words)
    for mark in ".!?\n":
        words = words.replace(mark, " | ")
    return " " + " ".join(words.replace("%", " % ").split()) + " "


def _narrow(text: str) -> str:
    """ASCII of a text with a few signs beyond it: they become blanks, several times faster than by translation."""
    straight = text.replace("’", "'").replace("‘", "'").replace("…", ".")
    narrow = straight.replace("?", "!").encode("ascii", "replace")
    beyond = narrow.count(b"?")
    return narrow.replace(b"?", b" ").decode() if beyond * 50 < len(narrow) else straight


class Phrases:
    """Phrases (in plain form) with a class each."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        try:
            from ahocorasick import Automaton  # type: ignore[import-not-found]
        except ImportError:
            raise MissingExtra("pyahocorasick", "audit") from None
        self._automaton: Any = Automaton()
        for phrase, kind in classes.items():
            self._automaton.add_word(f" {phrase} ", (len(phrase), kind, phrase))
        self._automaton.make_automaton()

    def find(self, words: str) -> Iterable[tuple[int, tuple[int, str, str]]]:
        """End (inclusive, of the blank), and length, class and phrase of each hit in a plain text."""
        return self._automaton.iter(words)  # type: ignore[no-any-return]

    def first(self, words: str) -> dict[str, str]:
        """The first phrase of each class in a plain text."""
        found: dict[str, str] = {}
        for _, (_, kind, phrase) in self._automaton.iter(words):
            found.setdefault(kind, phrase)
        return found


def evidence(text: str, phrase: str) -> str:
    """The phrase with its surroundings as they stand in the text, or the phrase if it cannot be found again."""
    pattern = r"[^\w\n]{1,5}".join(r"\d{1,12}" if word == "0" else re.escape(word) for word in phrase.split())
    found = re.search(pattern.replace("'", "['’‘]"), text[:LONGEST], re.IGNORECASE)
    if found is None:
        return phrase
    start = max(0, found.start() - 60)
    return text[start : found.end() + 100].strip()[:200]


def unquoted(text: str) -> str:
    """A text without what stands between quotation marks; the text itself where nothing else is left."""
    rest = QUOTATION.sub(" , ", text[:LONGEST])
    return rest if len(rest.split()) > 3 else text
