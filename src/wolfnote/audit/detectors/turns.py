"""Everything that a row says, turn by turn: what a detector of plain text reads."""

from __future__ import annotations

from collections.abc import Iterator

from wolfnote.records import Message, Sample


def said(sample: Sample) -> Iterator[tuple[int, str]]:
    """Each turn's index and text: what is said, thought and handed to tools. The turns of a rejected answer come last."""
    for index, message in enumerate((*sample.messages, *sample.rejected)):
        yield index, whole(message)


def whole(message: Message) -> str:
    """All text of one turn."""
    if not message.reasoning and not message.tool_calls:
        return message.content
    return "\n".join((message.reasoning, message.content, *(call.arguments for call in message.tool_calls)))


def excerpt(text: str, start: int, end: int, around: int = 30) -> str:
    """The words at ``start`` to ``end`` with a little of what stands around them, at most 200 characters."""
    return text[max(0, start - around) : end + around][:200]
