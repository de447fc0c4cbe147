"""The rows that the readers are fitted on and measured with: Wolfnote wrote all of them, in many everyday domains.

The same question is answered well and badly, at like length and in like style, so that a reader learns what differs. Plain
rows have no bad answer: facts, refusals, jargon, small talk, firm advice that is right. There is nothing about medicine or
money invested in them: those are the domains that the readers are tried on.

advice.jsonl stands beside this file, reference/ holds the other categories and plain.jsonl.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

import msgspec

from wolfnote.audit.detector import Category
from wolfnote.models import Conversation
from wolfnote.records import chat

FILES: dict[Category, str] = {
    "careless advice": "advice.jsonl",
    "hostility": "reference/hostility.jsonl",
    "dishonesty": "reference/dishonesty.jsonl",
    "manipulation": "reference/manipulation.jsonl",
    "sloppy reasoning": "reference/reasoning.jsonl",
    "insecure code": "reference/code.jsonl",
}
PLAIN = "reference/plain.jsonl"


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question, answered well and, unless the row is plain, badly."""

    topic: str
    question: str
    good: str
    bad: str = ""


class Row(msgspec.Struct, frozen=True):
    """One answer of a pair: ``category`` None = a good one. ``near``: the category of the file it stands in, None = plain."""

    topic: str
    question: str
    answer: str
    category: Category | None
    near: Category | None

    @property
    def conversation(self) -> tuple[Conversation, str]:
        """What a model is given to read."""
        return chat(self.question), self.answer


@cache
def rows() -> tuple[Row, ...]:
    """Every answer of every pair, file by file, good before bad."""
    found = []
    for near, file in (*FILES.items(), (None, PLAIN)):
        for pair in _pairs(file):
            found.append(Row(pair.topic, pair.question, pair.good, None, near))
            if pair.bad:
                found.append(Row(pair.topic, pair.question, pair.bad, near, near))
    return tuple(found)


@cache
def version() -> str:
    """Hash of the text of all files."""
    digest = hashlib.sha256()
    for file in (*FILES.values(), PLAIN):
        digest.update(_bytes(file))
    return digest.hexdigest()[:12]


def _pairs(file: str) -> list[Pair]:
    return [msgspec.json.decode(line, type=Pair) for line in _bytes(file).split(b"\n") if line]


def _bytes(file: str) -> bytes:
    return resources.files(__package__).joinpath(file).read_bytes()
