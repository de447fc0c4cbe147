"""A text as words: what two answers are compared by, what is searched for, and the words that carry style and no content."""

from __future__ import annotations

import re
import unicodedata

FUNCTION = frozenset(
    """
    a an the this that these those i me my mine we us our ours you your yours he him his she her hers it its they them
    their theirs who whom whose which what where when why how and or but nor so yet for if unless until while because
    although though since as than of at by with about against between into through during before after above below to from
    up down in out on off over under again then once here there all any both each few more most other some such no not
    only own same too very can could will would shall should may might must do does did doing done have has had having be
    is are was were been being am just also ever never always often still even well please thanks hello hi hey oh yes ok
    okay let's don't can't won't i'm you're we're it's that's there's we'll you'll i'll we've you've i've isn't aren't
    doesn't didn't
    """.split()  # noqa: SIM905 - a list that a person reads
)
"""Common English words that say how something is said."""
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_ARTICLES = frozenset(("a", "an", "the"))
NUMBER = re.compile(r"-?\d[\d,]{0,20}(?:\.\d{1,12})?")


def words(text: str) -> list[str]:
    """The words of a text in lower case, compatible characters made one."""
    return [w.replace("’", "'") for w in _WORD.findall(unicodedata.normalize("NFKC", text).lower())]


def plain(text: str) -> str:
    """A text without case, punctuation and articles: equal where two answers say the same in the same words."""
    return " ".join(w for w in words(text) if w not in _ARTICLES)


def content(text: str) -> list[str]:
    """The words that carry content."""
    return [w for w in words(text) if w not in FUNCTION]


def numbers(text: str) -> list[float]:
    """The numbers in a text, thousands separated by commas or not."""
    return [float(n.replace(",", "")) for n in NUMBER.findall(text)]
