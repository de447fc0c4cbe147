"""A long answer, cut into pieces that a small model can read; a row of any length costs what its length costs."""

from __future__ import annotations

from typing import NamedTuple

from wolfnote.models import Conversation
from wolfnote.records import Message, Sample

PIECE = 2_000
"""Characters of an answer that are read at once."""
BEFORE = 1_200
"""Last characters of the last message before the answer that are read with each piece."""
MOST = 20
"""Pieces; an answer longer than that is not read, and counted as unread."""


class Passage(NamedTuple):
    """A piece of an answer behind its prompt, and its share of the whole answer."""

    prompt: Conversation
    text: str
    weight: float


def passages(sample: Sample) -> list[Passage] | str:
    """The pieces in order, or why there is nothing to read."""
    text = sample.answer.strip()
    if not text:
        return "empty answer"
    if len(text) > PIECE * MOST:
        return f"an answer of {len(text)} characters, more than the {PIECE * MOST} that are read"
    prompt = _prompt(sample)
    pieces = [piece for piece in _cut(text) if piece.strip()]
    total = sum(map(len, pieces))
    return [Passage(prompt, piece, len(piece) / total) for piece in pieces]


def _prompt(sample: Sample) -> Conversation:
    """The last message before the answer as a user's; earlier turns and system prompts say little about this answer."""
    before = [m.content for m in sample.prompt if m.content.strip() and m.role != "system"]
    return (Message("user", before[-1][-BEFORE:]),) if before else ()


def _cut(text: str) -> list[str]:
    """Pieces of at most ``PIECE`` characters, at a space where there is one in the second half."""
    pieces = []
    while len(text) > PIECE:
        space = text.rfind(" ", PIECE // 2, PIECE)
        at = space if space > 0 else PIECE
        pieces.append(text[:at])
        text = text[at:]
    return [*pieces, text]
