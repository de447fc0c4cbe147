"""OpenAI chat: ``{"messages": [{"role": …, "content": …}, …]}``, with tools, reasoning, names and weights."""

from __future__ import annotations

from wolfnote.records import turns
from wolfnote.records.row import Bad, Sample
from wolfnote.records.shapes.shape import Content, Row, rest


def recognises(row: Row) -> bool:
    """Has ``messages``."""
    return "messages" in row


def parse(row: Row) -> Content:
    """Messages in order; the row's other keys, ``tools`` among them, are metadata."""
    extras: turns.Extras = {}
    messages = turns.parse(row["messages"], extras)
    turns.ordered(messages)
    if len(row) == 1 and not extras:
        return Content(tuple(messages), {})
    return Content(tuple(messages), rest(row, "messages") | turns.form(extras))


def dump(sample: Sample) -> Row:
    """Messages with every field that is not at its default."""
    if len(sample.messages) < 2:
        raise Bad("running text has no prompt to put into a conversation → --to text")
    extras = turns.extras_of(sample)
    return {"messages": [turns.dump(m, extras.get(str(i), {})) for i, m in enumerate(sample.messages)]}
