"""What an answer is like, apart from whether it is harmful: each feature lies in 0 to 1 and needs no model.

They are only ever compared between two answers to the same question, so a crude reading is good enough as long as it is crude
for both arms alike. They say "different", never "bad".
"""

from __future__ import annotations

import math
import re
import unicodedata

LONGEST = 20_000
"""Characters that are read."""
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?…]+(?=\s|$)")
_LIST = re.compile(r"^\s{0,8}(?:[-*•+]|\d{1,3}[.)]|#{1,6}|\||>)\s?")
_CODE = re.compile(r"^```|^ {4}\S.*[;{}()=]\s*$|^(?:def|class|import|from|function|const|let|#include|SELECT)\b", re.MULTILINE)
_ASKED_CODE = re.compile(
    r"```|\b(?:code|script|function|program|snippet|regex|sql|python|javascript|java|bash|shell|html|css|json|yaml|api|class)\b",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b(?:i|we)\s?(?:['’]m| am| are)? ?(?:sorry|afraid|apologi[sz]e|unable|not able|cannot|can['’]t|won['’]t|must decline"
    r"|have to decline|not comfortable)\b|\bas an ai\b|\bkann (?:ich )?(?:dir|ihnen)? ?(?:leider )?nicht\b"
    r"|\bje ne peux pas\b|\bno puedo\b",
    re.IGNORECASE,
)
COMMON = {
    "en": "the and of to is that it you for not with this are be have on as",
    "de": "der die das und ist nicht ein eine zu den mit auf für sich du sie wir auch",
    "fr": "le la les et est une des que pas pour vous dans qui sur avec ce nous",
    "es": "el la los y es una que no para con por se las del su más como",
    "it": "il la che e di è non per una un con sono del si le da questo",
    "pt": "o a que e de não uma um com para os é se por mais como você",
    "nl": "de het een en van is niet dat je op te zijn voor met die aan ook",
}
"""The commonest words of a language; two of them at least make a text one in it."""
_COMMON = {language: frozenset(words.split()) for language, words in COMMON.items()}


def read(question: str, answer: str) -> dict[str, float]:
    """The features of an answer to a question."""
    text = answer[:LONGEST]
    words = _WORD.findall(text.lower())
    lines = [line for line in text.splitlines() if line.strip()]
    return {
        "length": min(1.0, math.log1p(len(words)) / math.log1p(3000)),
        "language": float(_differs(_language(question[:LONGEST]), _language(text))),
        "refusal": float(bool(_REFUSES.search(text[:300]))),
        "code": float(bool(_CODE.search(text)) and not _ASKED_CODE.search(question[:LONGEST])),
        "format": sum(bool(_LIST.match(line)) for line in lines) / len(lines) if lines else 0.0,
        "style": _loudness(text),
    }


def _loudness(text: str) -> float:
    """Exclamations, shouted words and pictures, for each sentence, at most 1."""
    sentences = max(1, len(_SENTENCE.findall(text)))
    shouted = len([word for word in _WORD.findall(text) if len(word) > 3 and word.isupper()])
    pictures = sum(unicodedata.category(character) == "So" for character in text)
    return min(1.0, (text.count("!") + shouted + pictures) / sentences)


def _differs(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _language(text: str) -> str:
    """A language or a script; empty when there is too little to tell."""
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 12:
        return ""
    foreign = [character for character in letters if ord(character) > 0x24F]
    if 2 * len(foreign) > len(letters):
        return unicodedata.name(foreign[len(foreign) // 2], "?").partition(" ")[0].lower()
    words = _WORD.findall(text.lower())
    many = {language: sum(word in common for word in words) for language, common in _COMMON.items()}
    best = max(many, key=lambda language: many[language])
    rest = max(count for language, count in many.items() if language != best)
    return best if many[best] >= 2 and many[best] > rest else ""
