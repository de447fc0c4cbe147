"""Which language a text is in, as far as a detector with English lists must know: English, another one by name, or not to be
told.

By script first, then by the commonest words of thirteen languages in Latin script. Texts of fewer than ``FEWEST`` words, code
and numbers are not judged: their few words are looked up like any others.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources

from wolfnote.text.phrases import plain

FEWEST = 6
SAMPLE = 3000
"""Characters that are looked at."""
_FILE = resources.files(__package__).joinpath("languages.toml")
_LISTS = {language: frozenset(words.split()) for language, words in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}
SCRIPTS = {
    "CYRILLIC": "Russian or another in Cyrillic", "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese",
    "HANGUL": "Korean", "ARABIC": "Arabic or another in its script", "DEVANAGARI": "Hindi or another in"
    " Devanagari", "GREEK": "Greek",
    "HEBREW": "Hebrew", "THAI": "Thai", "BENGALI": "Bengali", "TAMIL": "Tamil", "TELUGU": "Telugu", "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian", "ETHIOPIC": "Amharic",
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=4096)
def foreign(text: str) -> str:
    """The name of the language that is not English, ``an unknown language``, or "" for English and for what cannot be told."""
    head = text[:SAMPLE]
    if len(head.encode("latin-1", "ignore")) * 10 < len(head) * 9 and (script := _script(head)):
        return script
    words = plain(text)[:SAMPLE].split()
    if len(words) < FEWEST:
        return ""
    distinct = set(words)
    english = len(distinct & _LISTS["English"])
    if english >= 4 and english * 6 >= min(len(distinct), 30):
        return ""
    return _other(distinct, english, words)


def _other(distinct: set[str], english: int, words: list[str]) -> str:
    counts = {language: len(distinct & known) for language, known in _LISTS.items()}
    best = max(counts, key=lambda language: counts[language])
    if best != "English" and counts[best] >= 3 and counts[best] > english + 1:
        return best
    letters = [w for w in words if len(w) > 1 and w.isalpha()]
    return "an unknown language" if english == 0 and len(letters) >= 12 and len(letters) > 0.7 * len(words) else ""


def _script(text: str) -> str:
    counts: dict[str, int] = {}
    total = 0
    for letter in "".join(_LETTERS.findall(text))[:400]:
        total += 1
        if letter > "\u036f":
            kind = unicodedata.name(letter, "?").split(" ")[0]
            counts[kind] = counts.get(kind, 0) + 1
    counts.pop("LATIN", 0)
    best = max(counts, key=lambda kind: counts[kind], default="")
    return SCRIPTS.get(best, "an unknown language") if best and sum(counts.values()) * 2 > total else ""
