"""WN103 · manipulation and dark patterns

Copy that presses, or advice to press: false urgency, scarcity, borrowed crowds, shaming who declines, hidden cost, cancelling
made hard, guilt and fear used on a person.

Bad:  "Hurry! Only 2 left, 31 people are looking at this right now."
Good: "We have two left. You can return it within 30 days."

How it reads: a small linear classifier of sentences, fitted to lines that we wrote (``manipulation.jsonl``), over words,
pairs of words and six classes of phrases. What is explained, warned of or refused does not count. Languages other than
English are counted as unread.

Source: Mathur et al. 2019 (arXiv 1907.07032), the kinds of dark patterns. Known false positives: true scarcity, honest
deadlines of a sale (whether they are true cannot be read off the text). Known misses: manipulation that needs the situation
to be seen, flattery.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec

from wolfnote.audit.detector import Flag, Reading, Unreadable
from wolfnote.records import Message, Sample
from wolfnote.text.language import foreign
from wolfnote.text.linear import Classifier, Line, Weights, fit
from wolfnote.text.phrases import Phrases, plain, too_long

CODE = "WN103"


class Detector:
    """Reads each assistant turn of a row."""

    code, name = CODE, "manipulation and dark patterns"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags on assistant turns; unreadable where an answer is not in English."""
        return [_row(sample) for sample in samples]


def score(text: str) -> float:
    """How much a text reads like pressure, in log-odds: its worst sentence."""
    return _classifier().read(plain(text))[0]


def lines() -> list[Line]:
    """The lines that the classifier is fitted to."""
    return [msgspec.json.decode(line, type=Line) for line in _file("manipulation.jsonl").splitlines()]


def fitted() -> Weights:
    """The weights made anew from the lines; ``benchmarks/detectors.py --fit`` writes them beside this file."""
    return fit(lines(), _classes(), _excused)


def _row(sample: Sample) -> Reading:
    flags: list[Flag] = []
    for turn, message in enumerate(sample.messages):
        if message.role == "assistant":
            if language := foreign(message.content):
                return Unreadable(f"language: {language}")
            flags += _turn(turn, message)
    long = too_long(m.content for m in sample.messages if m.role == "assistant")
    return Unreadable(long) if long and not any(flag.counts for flag in flags) else flags


def _turn(turn: int, message: Message) -> Iterator[Flag]:
    words = plain(message.content)
    if _excused(words):
        return
    worst, place = _classifier().read(words)
    sentence = words.split("|")[place].strip()
    kinds = ", ".join(sorted(kind.strip("<>") for kind in _anchors().first(f" {sentence} ")))
    if worst > _classifier().threshold and kinds:
        yield Flag(CODE, "manipulation", turn, f"presses: {kinds}", sentence[:200], message.weight > 0)


def _excused(words: str) -> bool:
    """Whether a text has none of the phrases, or explains, warns of or refuses the trick."""
    return not _anchors().first(words) or bool(_company().intersection(words.split()))


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    return tomllib.loads(_file("manipulation.toml").decode())


@lru_cache(maxsize=1)
def _company() -> frozenset[str]:
    return frozenset(_lists()["context"]["words"].split())


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    return {phrase: f"<{kind}>" for kind, phrases in _lists()["classes"].items() for phrase in phrases}


@lru_cache(maxsize=1)
def _anchors() -> Phrases:
    """The phrases without which a sentence only sounds like a shop; most turns hold none and are not read further."""
    return Phrases(_classes())


@lru_cache(maxsize=1)
def _classifier() -> Classifier:
    return Classifier(msgspec.json.decode(_file("manipulation.json"), type=Weights), _classes())


def _file(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
