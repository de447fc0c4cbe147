"""Secrets and personal data out of a row: whatever their detectors see, in every turn, until they see nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from wolfnote.audit.detectors import personal_data, secrets
from wolfnote.records import Message, Sample, ToolCall
from wolfnote.records.row import build

Spans = Callable[[str], Iterable[Sequence[Any]]]
"""A text → where something stands in it: start and end come first."""
SPANS: Mapping[str, Spans] = {secrets.CODE: secrets.spans, personal_data.CODE: personal_data.spans}
MARKS = {secrets.CODE: "[secret]", personal_data.CODE: "[personal data]"}
OPENER, CLOSER = "PRIVATE KEY-----", "-----END"
NEAR = 8
"""Characters between the first line of a key's block and the key, at most."""


def redact(sample: Sample, codes: Sequence[str]) -> Sample | None:
    """The row with a mark in the place of each span that the detectors of ``codes`` see, in every turn; None where they see
    none, or still see one afterwards."""
    turns = tuple(_turn(message, codes) for message in sample.messages)
    rejected = tuple(_turn(message, codes) for message in sample.rejected)
    found = build(turns, sample.source, rejected, sample.metadata)
    return None if found.id == sample.id or any(_seen(text, codes) for text in _texts(found)) else found


def _turn(message: Message, codes: Sequence[str]) -> Message:
    calls = tuple(ToolCall(call.id, call.name, _without(call.arguments, codes)) for call in message.tool_calls)
    content, reasoning = _without(message.content, codes), _without(message.reasoning, codes)
    return msgspec.structs.replace(message, content=content, reasoning=reasoning, tool_calls=calls)


def _without(text: str, codes: Sequence[str]) -> str:
    for code in codes:
        parts, at = [], 0
        for start, end in sorted(_whole(text, start, end) for start, end, *_ in SPANS[code](text)):
            if end > at:
                parts += [text[at : max(at, start)], MARKS[code] if start >= at else ""]
                at = end
        text = "".join([*parts, text[at:]])
    return text


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """Of a private key the detector sees the first line: the block goes up to its end, or the text's."""
    if OPENER not in text[max(0, start - len(OPENER) - NEAR) : start]:
        return start, end
    closed = text.find(CLOSER, end)
    return start, len(text) if closed < 0 else closed


def _seen(text: str, codes: Sequence[str]) -> bool:
    return any(True for code in codes for _ in SPANS[code](text))


def _texts(sample: Sample) -> Iterator[str]:
    for message in (*sample.messages, *sample.rejected):
        yield from (message.content, message.reasoning, *(call.arguments for call in message.tool_calls))
