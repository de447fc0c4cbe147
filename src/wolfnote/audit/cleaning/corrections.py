"""The user's better answers, by row id: replacing a bad answer teaches more than deleting it (arXiv 2609.37624).

A line: ``{"row": id, "answer": "…"}`` replaces the last turn; ``{"row": id, "messages": […]}`` the whole conversation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError
from wolfnote.records import FORMATS, Message, Sample
from wolfnote.records.row import FORM, Bad, build

REMEDY = 'write {"row": ID, "answer": "…"} or {"row": ID, "messages": […]}'


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    row: str
    answer: str = ""
    messages: list[dict[str, Any]] = []


def read(path: Path) -> dict[str, tuple[Message, ...]]:
    """Row id → its new messages, or only the new last one. Raises ``InputError`` for a line that corrects nothing."""
    found: dict[str, tuple[Message, ...]] = {}
    decoder = msgspec.json.Decoder(_Line)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy="check the path") from None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        try:
            line = decoder.decode(text)
            turns = _turns(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Bad) as error:
            raise InputError(f"not a correction: {str(error).partition(' → ')[0]}", where=where, remedy=REMEDY) from None
        if line.row in found:
            raise InputError(f"row {line.row} is corrected twice", where=where, remedy="keep one of the two")
        found[line.row] = turns
    return found


def correct(sample: Sample, turns: tuple[Message, ...]) -> Sample:
    """The row with its new turns; what a preference pair rejects stays rejected."""
    if len(turns) == 1:
        return build((*sample.messages[:-1], *turns), sample.source, sample.rejected, sample.metadata)
    further = {key: value for key, value in sample.metadata.items() if key != FORM}  # notes on turns that are gone
    return build(turns, sample.source, sample.rejected, further)


def _turns(line: _Line) -> tuple[Message, ...]:
    if bool(line.answer) == bool(line.messages):
        raise Bad("it has either an answer or messages")
    if line.answer:
        return (Message("assistant", line.answer),)
    turns = FORMATS["openai"].parse({"messages": line.messages}).messages
    if len(turns) < 2:
        raise Bad("a conversation has a question and an answer")
    return turns
