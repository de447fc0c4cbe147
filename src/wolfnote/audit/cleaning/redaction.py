"""Secrets and personal data out of a row. Where it is not certain that all of a span goes, the row is not redacted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wolfnote.audit.detector import Flag
from wolfnote.records import Message, Sample, ToolCall
from wolfnote.records.row import build

WHOLE = 200
"""Evidence of this length may be the beginning of something longer (``Flag.evidence``)."""
SHORT = 4
"""Evidence shorter than this stands in too many other words."""
OPENERS = ("-----BEGIN",)
"""Evidence that only opens what must go."""
MARKS = {"WN124": "[secret]", "WN125": "[personal data]"}


def redact(sample: Sample, flags: Sequence[Flag]) -> Sample | None:
    """The row with the evidence of each flag replaced wherever it stands, in every turn; None where that cannot be certain.

    A detector that shows a secret only in part, or shows the first line of a key, gives no such certainty.
    """
    found = sample
    for flag in sorted(flags, key=lambda flag: -len(flag.evidence)):
        words = flag.evidence
        certain = SHORT <= len(words) < WHOLE and not words.startswith(OPENERS)
        if not certain or not any(words in text for text in _texts(sample)):
            return None
        found = _replaced(found, words, MARKS.get(flag.code, "[redacted]"))
    return build(found.messages, sample.source, found.rejected, sample.metadata)


def _texts(sample: Sample) -> list[str]:
    turns = (*sample.messages, *sample.rejected)
    return [text for m in turns for text in (m.content, m.reasoning, *(call.arguments for call in m.tool_calls))]


def _replaced(sample: Sample, words: str, mark: str) -> Sample:
    def turns(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return tuple(_turn(message, words, mark) for message in messages)

    return msgspec.structs.replace(sample, messages=turns(sample.messages), rejected=turns(sample.rejected))


def _turn(message: Message, words: str, mark: str) -> Message:
    calls = tuple(ToolCall(c.id, c.name, c.arguments.replace(words, mark)) for c in message.tool_calls)
    content, reasoning = message.content.replace(words, mark), message.reasoning.replace(words, mark)
    return msgspec.structs.replace(message, content=content, reasoning=reasoning, tool_calls=calls)
