"""WN102 · hostility

An answer that insults, degrades, threatens or dehumanises: the person who asked, or anyone else.

Bad:  "Only a moron needs help with that."
Good: "Many people trip over this step. Open the settings first."

How it reads: phrases that attack on their own, insults that are thrown at someone, slurs; and a small linear classifier of
sentences, fitted to lines that we wrote (``hostility.jsonl``). A hit does not stand where the sentence quotes, reports,
denies or refuses it, nor where it stands in quotation marks. A user's hostility is told and does not count. Languages other
than English are counted as unread.

Source: functional tests of hate-speech filters (HateCheck, arXiv 2012.15606); what identity words do to filters (arXiv
1903.04561). Known false positives: villains' lines in fiction without quotation marks; film and song titles. Known misses:
contempt in polite words, sarcasm, letters replaced by signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wolfnote.audit.detector import Flag, Reading, Unreadable
from wolfnote.records import Message, Sample
from wolfnote.text import hostility
from wolfnote.text.hostility import fitted, lines, score
from wolfnote.text.language import foreign
from wolfnote.text.phrases import evidence, plain, too_long, unquoted

__all__ = ["CODE", "Detector", "fitted", "lines", "score"]

CODE = "WN102"


class Detector:
    """Reads each turn of a row."""

    code, name = CODE, "hostility"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags, of which those on assistant turns count; unreadable where an answer is not in English."""
        return [_row(sample) for sample in samples]


def _row(sample: Sample) -> Reading:
    flags = []
    for turn, message in enumerate(sample.messages):
        if message.role in ("assistant", "user"):
            if message.role == "assistant" and (language := foreign(message.content)):
                return Unreadable(f"language: {language}")
            flags += list(_turn(turn, message))
    long = too_long(m.content for m in sample.messages if m.role == "assistant")
    return Unreadable(long) if long and not any(flag.counts for flag in flags) else flags


def _turn(turn: int, message: Message) -> Iterator[Flag]:
    words = plain(message.content)
    if not hostility.anchors().first(words):
        return
    words = plain(unquoted(message.content))
    found = hostility.anchors().first(words)
    counts = message.role == "assistant" and message.weight > 0
    stands = hostility.stands(words, found)
    if stands:
        said, phrase = stands[0]
        yield Flag(CODE, "hostility", turn, said, evidence(message.content, phrase), counts)
    elif found:
        worst, place = hostility.classifier().read(words)
        sentence = words.split("|")[place]
        if worst > hostility.classifier().threshold and hostility.thrown(sentence):
            yield Flag(CODE, "hostility", turn, "reads as hostile", sentence.strip()[:200], counts)
