"""How hostile an English text reads: phrases that attack, insults thrown at someone, slurs; and a small linear classifier of
sentences, fitted to lines that we wrote (``hostility.jsonl``). What is quoted, reported, denied or refused does not stand.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec

from wolfnote.text.linear import Classifier, Line, Weights, fit
from wolfnote.text.phrases import Phrases, plain

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


def score(text: str) -> float:
    """How hostile a text reads, in log-odds: its worst sentence, and more where it attacks."""
    words = plain(text)
    return classifier().read(words)[0] + ATTACK * len(stands(words, anchors().first(words)))


def lines() -> list[Line]:
    """The lines that the classifier is fitted to."""
    return [msgspec.json.decode(line, type=Line) for line in _file("hostility.jsonl").splitlines()]


def fitted() -> Weights:
    """The weights made anew from the lines; ``benchmarks/detectors.py --fit`` writes them beside this file."""
    return fit(lines(), _classes(), lambda words: not anchors().first(words) or _excused(words))


def thrown(sentence: str) -> bool:
    """Whether a sentence that sounds rough holds a word of abuse, addresses someone and mentions nothing: among many sentences
    one always sounds rough."""
    aimed = not ADDRESS.isdisjoint(sentence.split())
    return aimed and bool(anchors().first(f" {sentence.strip()} ")) and not _excused(sentence)


def stands(words: str, found: dict[str, str]) -> list[tuple[str, str]]:
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
def anchors() -> Phrases:
    """The classes without which nothing is flagged; most turns hold none and are not read further."""
    return Phrases({phrase: kind for phrase, kind in _classes().items() if kind != "<obscene>"})


@lru_cache(maxsize=1)
def classifier() -> Classifier:
    """The classifier of sentences, as fitted."""
    return Classifier(msgspec.json.decode(_file("hostility.json"), type=Weights), _classes())


def _file(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
