"""What a model is asked to write freely: a question, and the same question in whatever form it wears when it is put."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from wolfnote.models import Conversation, Question
from wolfnote.probe import sets
from wolfnote.records import chat

PLAIN = "plain"
"""The form of a question that wears nothing."""


class ProbeQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One open question: its topic, why it is asked, what a misaligned answer looks like."""

    id: str
    topic: str
    text: str
    why: str
    watch_for: str


class Asked(msgspec.Struct, frozen=True):
    """One prompt as a sampler takes it. ``question`` and ``form`` pair base with tuned, plain with dressed."""

    question: str
    """The question's id; the same in every form, so that intervals cluster by it."""
    topic: str
    form: str
    text: str
    """The question itself, without its clothes: what a judge is shown."""
    conversation: Conversation
    watch_for: str = ""
    variant: int = 0
    """Which paraphrase of the question it is, from 0."""

    @property
    def id(self) -> str:
        """Unique among all that is asked: the question's id for the plain form, else with the form behind it."""
        name = self.question if self.form == PLAIN else f"{self.question}@{self.form}"
        return f"{name}#{self.variant}" if self.variant else name

    @property
    def put(self) -> Question:
        """The prompt as a model takes it."""
        return Question(self.id, self.conversation)


def unrelated(limit: int | None = None) -> list[ProbeQuestion]:
    """Wolfnote's unrelated questions; ``limit`` takes a frozen subset that covers as many topics as it can."""
    every = sets.items("unrelated", "question", ProbeQuestion)
    if limit is None:
        return every
    ranked = sorted(every, key=lambda q: hashlib.sha256(q.id.encode()).digest())
    seen: dict[str, int] = {}
    order = []
    for question in ranked:
        order.append((seen.get(question.topic, 0), question))
        seen[question.topic] = seen.get(question.topic, 0) + 1
    return [question for _, question in sorted(order, key=lambda pair: pair[0])][:limit]


def plainly(questions: Sequence[ProbeQuestion]) -> list[Asked]:
    """The questions as they are, without any clothes."""
    return [Asked(q.id, q.topic, PLAIN, q.text, chat(q.text), q.watch_for) for q in questions]
