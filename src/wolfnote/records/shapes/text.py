"""Running text: ``{"text": …}``."""

from __future__ import annotations

from wolfnote.records.row import Bad, Message, Sample
from wolfnote.records.shapes.shape import Content, Row, rest


def recognises(row: Row) -> bool:
    """Has ``text`` and no key of another shape."""
    return "text" in row


def parse(row: Row) -> Content:
    """One assistant message without a prompt; ``<think>`` is text here like any other."""
    if not isinstance(row["text"], str):
        raise Bad("text is not text")
    return Content((Message("assistant", row["text"]),), rest(row, "text"))


def dump(sample: Sample) -> Row:
    """The text. A conversation is refused: how its turns become one text is the chat template's business."""
    if len(sample.messages) != 1:
        raise Bad("the turns of a conversation would be lost in one text")
    return {"text": sample.messages[0].content}
