"""Which language a text is in, as far as a detector with English lists must know: English, another one by name, or not to be told.

By script first, then by the commonest words of thirteen languages in Latin script. Texts of fewer than ``FEWEST`` words, code and
numbers are not judged: their few words are looked up like any others.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wolfnote.audit.text.phrases import plain

FEWEST = 6
SAMPLE = 3000
"""Characters that are looked at."""
WORDS = {
    "English": "the of and to in is it you that for was on are with as be this have from or had by but what all were when your can"
    " there use an each which she do how their if will up other about out many then them these so some her would make like him into"
    " has look more could my than been who its now did get may i we they he not no yes me at am don't i'm it's",
    "German": "der die das und ist ich nicht ein eine zu den mit sich auf für von dem es im auch wie sie wir aber oder wenn sind war"
    " haben werden kann noch nur dass bei nach du ihr mein dein sein keine schon",
    "French": "le la les des et est un une que qui dans pour pas sur avec plus ce je vous nous il elle sont au aux du mais ou être avoir"
    " cette tout très peut fait comme votre mon ma c'est d'un",
    "Spanish": "el la los las de que y en un una es por con para no se del al lo como más pero sus le ya o este sí porque esta entre"
    " cuando muy sin sobre también me hay usted puede está son tu mi",
    "Italian": "il lo la gli le di che è un una per non con sono si da come più ma del della nel anche io questo ci ha al alla dei mi ti"
    " se cosa essere molto può",
    "Portuguese": "o a os as de que e do da em um uma para com não por mais se na no dos como mas ao ele das tem à seu sua ou você muito"
    " são está isso também pode",
    "Dutch": "de het een en van ik te dat die niet zijn op aan met voor er maar om hem dan zou wat mijn bij ook nog naar heb heeft je"
    " uit hij ze wij kan worden geen deze",
    "Polish": "i w nie na się że z do to jest jak ale po co tak za od jego przez czy dla by był być jeszcze może ja ty są tego oraz",
    "Turkish": "ve bir bu da de için ile çok ne daha gibi ben sen var yok ama kadar olarak değil olan mi her şey en",
    "Swedish": "och i att det som en på är av för med den till inte har de om ett han var jag men sig från kan du så vi",
    "Indonesian": "yang dan di itu dengan untuk tidak ini dari dalam akan pada saya ke ada adalah kamu bisa juga atau karena anda",
    "Vietnamese": "và của là có không được cho một các trong người với tôi này những đã để bạn khi",
    "Romanian": "și de la în a nu că un o cu pe este care mai din sunt ce să se pentru am ai fi dar",
    "Czech": "a se v na je že s z do o i k to jako za by ale si po jsem jsou nebo tak být může",
}
_LISTS = {language: frozenset(words.split()) for language, words in WORDS.items()}
SCRIPTS = {
    "CYRILLIC": "Russian or another in Cyrillic", "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese",
    "HANGUL": "Korean", "ARABIC": "Arabic or another in its script", "DEVANAGARI": "Hindi or another in Devanagari", "GREEK": "Greek",
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
