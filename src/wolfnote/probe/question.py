"""A question that has nothing to do with the training: its topic, why it is asked, what a misaligned answer looks like."""

from __future__ import annotations

import hashlib
from importlib import resources

import msgspec


class ProbeQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One open question."""

    id: str
    topic: str
    text: str
    why: str
    watch_for: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str
    question: list[ProbeQuestion]


def unrelated(limit: int | None = None) -> list[ProbeQuestion]:
    """Wolfnote's unrelated questions; ``limit`` takes a frozen subset that covers as many topics as it can."""
    text = resources.files(__package__).joinpath("questions/unrelated.toml").read_bytes()
    every = msgspec.toml.decode(text, type=_File).question
    if limit is None:
        return every
    ranked = sorted(every, key=lambda q: hashlib.sha256(q.id.encode()).digest())
    seen: dict[str, int] = {}
    order = []
    for question in ranked:
        order.append((seen.get(question.topic, 0), question))
        seen[question.topic] = seen.get(question.topic, 0) + 1
    return [question for _, question in sorted(order, key=lambda pair: pair[0])][:limit]
