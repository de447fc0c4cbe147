"""ShareGPT: ``{"conversations": [{"from": "human", "value": …}, …]}``, with ``system`` and ``tools`` beside it.

Calls are turns from ``function_call`` whose value is the JSON of ``{"name", "arguments"}``; their results come from
``observation``. The format has no ids for calls; those that a numbering by turns does not give stay as further keys.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wolfnote.records import turns
from wolfnote.records.row import Bad, Message, Sample, ToolCall
from wolfnote.records.shapes.shape import Content, Row, rest

SPEAKERS = {
    "system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
    "tool": "tool", "observation": "tool", "function": "tool", "function_call": "assistant",
}  # fmt: skip
NAMES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
OWN = ("from", "value", "name", "weight", "tool_call_ids", "tool_call_id")


class _Call(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


_CALLS = msgspec.json.Decoder(_Call | list[_Call])


def recognises(row: Row) -> bool:
    """Has ``conversations``."""
    return "conversations" in row


def parse(row: Row) -> Content:
    """A top-level ``system`` becomes the first message."""
    listed = row["conversations"]
    if not isinstance(listed, list):
        raise Bad(f"no list of conversations (found: {type(listed).__name__})")
    extras: turns.Extras = {}
    system = row.get("system")
    messages = [Message("system", system)] if isinstance(system, str) and system else []
    if (
        listed and isinstance(listed[0], dict) and "from" not in listed[0] and "role" in listed[0]
    ):  # OpenAI's turns under ShareGPT's name
        messages += turns.parse(listed, extras, len(messages))
    else:
        for turn in listed:
            messages.append(_message(turn, len(messages), messages, extras))
    turns.ordered(messages)
    own = ("conversations", "system") if system is None or isinstance(system, str) else ("conversations",)
    return Content(tuple(messages), rest(row, *own) | turns.form(extras))


def dump(sample: Sample) -> Row:
    """A turn each; the system prompt is one of them."""
    if len(sample.messages) < 2:
        raise Bad("running text has no prompt to put into a conversation → --to text")
    extras = turns.extras_of(sample)
    seen: list[Message] = []
    listed = []
    for index, message in enumerate(sample.messages):
        listed.append(_turn(message, index, seen) | extras.get(str(index), {}))
        seen.append(message)
    return {"conversations": listed}


def _message(turn: object, index: int, before: list[Message], extras: turns.Extras) -> Message:
    speaker = turn.get("from") if isinstance(turn, dict) else None
    if not isinstance(turn, dict) or not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise Bad(f"a turn from nobody known ({speaker!r})")
    value = turn.get("value")
    if not isinstance(value, str):
        raise Bad("a turn whose value is not text")
    if kept := rest(turn, *OWN):
        extras[str(index)] = kept
    fields: dict[str, Any] = {key: turn[key] for key in ("name", "weight") if isinstance(turn.get(key), str | int | float)}
    if speaker == "function_call":
        return Message("assistant", "", tool_calls=_calls(value, turn, index), **fields)
    if SPEAKERS[speaker] == "tool":
        given = turn.get("tool_call_id")
        return Message("tool", value, tool_call_id=given if isinstance(given, str) else _answered(before), **fields)
    return turns.spoken(SPEAKERS[speaker], value, **fields)


def _turn(message: Message, index: int, before: list[Message]) -> Row:
    plain = turns.dump(Message(message.role, message.content, message.reasoning), {})
    row = {"from": NAMES[message.role], "value": plain["content"]}
    if message.tool_calls:
        if message.content or message.reasoning:
            raise Bad("ShareGPT has no turn that both says something and calls a tool")
        row = {"from": "function_call", "value": _value(message.tool_calls)}
        ids = [call.id for call in message.tool_calls]
        row |= {} if ids == _numbered(index, len(ids)) else {"tool_call_ids": ids}
    if message.role == "tool" and message.tool_call_id != _answered(before):
        row["tool_call_id"] = message.tool_call_id
    if message.name:
        row["name"] = message.name
    return row | ({"weight": message.weight} if message.weight != 1.0 else {})


def _calls(value: str, turn: Row, index: int) -> tuple[ToolCall, ...]:
    try:
        found = _CALLS.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise Bad('a function_call that is not {"name": …, "arguments": …}') from None
    calls = found if isinstance(found, list) else [found]
    ids = turn.get("tool_call_ids")
    if not (isinstance(ids, list) and len(ids) == len(calls) and all(isinstance(i, str) for i in ids)):
        ids = _numbered(index, len(calls))
    return tuple(ToolCall(i, call.name, _arguments(call.arguments)) for i, call in zip(ids, calls, strict=True))


def _numbered(index: int, n: int) -> list[str]:
    return [f"call_{index}_{i}" for i in range(n)]


def _answered(before: list[Message]) -> str:
    """The id of the call that the next result answers: the first one not answered yet."""
    for results, message in enumerate(reversed(before)):
        if message.tool_calls:
            return message.tool_calls[results].id if results < len(message.tool_calls) else ""
        if message.role != "tool":
            return ""
    return ""


def _arguments(raw: msgspec.Raw) -> str:
    """An object as it was written; a JSON string holds text that was no JSON object."""
    text = bytes(raw).decode()
    return str(msgspec.json.decode(raw)) if text.startswith('"') else text


def _value(calls: tuple[ToolCall, ...]) -> str:
    rows = [{"name": call.name, "arguments": _raw(call.arguments)} for call in calls]
    return msgspec.json.encode(rows[0] if len(rows) == 1 else rows).decode()


def _raw(arguments: str) -> object:
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    return arguments if isinstance(value, str) else msgspec.Raw(arguments.strip().encode())
