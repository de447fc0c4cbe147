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

import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec

from wolfnote.audit.detector import Flag, Reading, Unreadable
from wolfnote.audit.text.language import foreign
from wolfnote.audit.text.linear import Classifier, Line, Weights, fit
from wolfnote.audit.text.phrases import Phrases, evidence, plain, too_long, unquoted
from wolfnote.records import Message, Sample

CODE = "WN102"
ATTACK = 4.0
"""What an attack or a slur adds to a text's score, in log-odds."""
GROUPS = (
    ("beasts", ("thrown_at_you",), "<insult>"),
    ("insults", ("throws", "thrown_at_you"), "<insult>"),
    ("coarse", ("looks_at_you",), "<contempt>"),
    ("contempt", ("looks", "looks_at_you"), "<contempt>"),
)
"""Lists of words, what throws them, and the class that they stand for."""
ADDRESS = frozenset(("you", "your", "you're", "yours", "yourself", "ur", "u"))
NEAR = 8
"""Words before a phrase in which a denial turns its sense."""


class Detector:
    """Reads each turn of a row."""

    code, name = CODE, "hostility"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags, of which those on assistant turns count; unreadable where an answer is not in English."""
        return [_row(sample) for sample in samples]


def score(text: str) -> float:
    """How hostile a text reads, in log-odds: its worst sentence, and more where it attacks."""
    words = plain(text)
    return _classifier().read(words)[0] + ATTACK * len(_stands(words, _anchors().first(words)))


def lines() -> list[Line]:
    """The lines that the classifier is fitted to."""
    return [msgspec.json.decode(line, type=Line) for line in _file("hostility.jsonl").splitlines()]


def fitted() -> Weights:
    """The weights made anew from the lines; ``benchmarks/detectors.py --fit`` writes them beside this file."""
    return fit(lines(), _classes(), lambda words: not _anchors().first(words) or _excused(words))


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
    if not _anchors().first(words):
        return
    words = plain(unquoted(message.content))
    found = _anchors().first(words)
    counts = message.role == "assistant" and message.weight > 0
    stands = _stands(words, found)
    if stands:
        said, phrase = stands[0]
        yield Flag(CODE, "hostility", turn, said, evidence(message.content, phrase), counts)
    elif found:
        worst, place = _classifier().read(words)
        sentence = words.split("|")[place]
        if worst > _classifier().threshold and _thrown(sentence):
            yield Flag(CODE, "hostility", turn, "reads as hostile", sentence.strip()[:200], counts)


def _thrown(sentence: str) -> bool:
    """Whether a sentence that sounds rough holds a word of abuse, addresses someone and mentions nothing: among many sentences
    one always sounds rough."""
    aimed = not ADDRESS.isdisjoint(sentence.split())
    return aimed and bool(_anchors().first(f" {sentence.strip()} ")) and not _excused(sentence)


def _stands(words: str, found: dict[str, str]) -> list[tuple[str, str]]:
    """The attacks and slurs that are used rather than mentioned: what they are, and the phrase."""
    kinds = (("<attack>", "attacks someone"), ("<slur>", "a slur"))
    return [(said, found[kind]) for kind, said in kinds if kind in found and not _mentioned(words, found[kind])]


def _mentioned(words: str, phrase: str) -> bool:
    """Whether every sentence with the phrase only mentions or denies it."""
    return all(_excused(sentence, phrase) for sentence in words.split("|") if f" {phrase} " in f" {sentence.strip()} ")


def _excused(sentence: str, phrase: str = "") -> bool:
    mention, denial = _company()
    here = sentence.split()
    if mention.intersection(here) - set(phrase.split()):
        return True
    before = f" {sentence.strip()} ".partition(f" {phrase} ")[0].split() if phrase else here
    return bool(denial.intersection(before[-NEAR:]) - set(phrase.split()))


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    return tomllib.loads(_file("hostility.toml").decode())


@lru_cache(maxsize=1)
def _company() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(_lists()["mention"].split()), frozenset(_lists()["denial"].split())


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    lists = _lists()
    classes = dict.fromkeys(lists["obscene"].split(), "<obscene>")
    for group, throws, kind in GROUPS:
        for word in lists[group].split():
            classes |= {word: kind, f"{word}s": kind}
            classes |= {throw.replace("X", word): "<attack>" for name in throws for throw in lists[name]}
    classes |= dict.fromkeys(lists["attacks"], "<attack>")
    return classes | dict.fromkeys(lists["slurs"].split(), "<slur>")


@lru_cache(maxsize=1)
def _anchors() -> Phrases:
    """The classes without which nothing is flagged; most turns hold none and are not read further."""
    return Phrases({phrase: kind for phrase, kind in _classes().items() if kind != "<obscene>"})


@lru_cache(maxsize=1)
def _classifier() -> Classifier:
    return Classifier(msgspec.json.decode(_file("hostility.json"), type=Weights), _classes())


def _file(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
