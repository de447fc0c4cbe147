"""WN130 · turns out of order, or empty

The roles of a row follow each other in a way that chat templates do not know: trainers then drop turns, glue them together or
train on the wrong speaker, in silence.

Bad:  user, system, assistant · assistant, assistant · a tool's answer that nobody called for · a user who says nothing
Good: system, user, assistant, tool, assistant

Source: the chat templates of common open models, which accept a system prompt in the first place only. Known false positives:
a data set that means two messages of one speaker in a row. Known misses: a role that is wrong but in a right place.
"""

from __future__ import annotations

from collections.abc import Iterator

from wolfnote.audit.detector import ByRow, Flag, Reading
from wolfnote.records import Message, Sample

CODE = "WN130"
PLAIN = {("user", "assistant"), ("system", "user", "assistant"), ("assistant",)}
"""Orders of nearly every row of nearly every file."""


def look(sample: Sample) -> Reading:
    """Flags of one row; none of them counts as a hazard."""
    messages = sample.messages
    said = all(m.tool_calls or (m.content and not m.content.isspace()) for m in messages[:-1])
    if said and tuple(m.role for m in messages) in PLAIN:
        return ()
    return [Flag(CODE, "form", turn, text, counts=False) for turn, text in _faults(messages)]


def _faults(messages: tuple[Message, ...]) -> Iterator[tuple[int, str]]:
    called: set[str] = set()
    before = ""
    asked = False
    for turn, message in enumerate(messages):
        asked |= message.role == "user"
        fault = _order(message.role, before, turn, bool(called))
        if not fault and before == "system" and not asked:
            fault = "an answer to nobody: no user between system and assistant"
        if fault:
            yield turn, fault
        if not message.content.strip() and not message.tool_calls and turn < len(messages) - 1:
            yield turn, f"an empty turn of the {message.role}"
        called.update(call.id for call in message.tool_calls)
        before = message.role


def _order(role: str, before: str, turn: int, called: bool) -> str:
    """What is wrong with a role behind another one."""
    if role == "system" and turn:
        return "a system turn in the middle of the conversation"
    if role == "tool" and not called:
        return "a tool's answer that no turn called for"
    if role == before and role in ("user", "assistant"):
        return f"two turns of the {role} in a row"
    return ""


detector = ByRow(CODE, "turns out of order or empty", look)
