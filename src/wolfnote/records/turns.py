"""One turn of a conversation as OpenAI writes it, in and out; other shapes that hold message lists use it too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wolfnote.records.row import FORM, ROLES, Bad, Message, Sample, ToolCall

MODERN = {"developer": "system", "function": "tool"}
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
KEYS = {"role", "content", "tool_calls", "function_call", "tool_call_id", "name", "weight"}
OPEN, CLOSE = "<think>", "</think>"

Extras = dict[str, dict[str, Any]]
"""Keys of single turns that a ``Message`` has no field for, by the turn's index."""


def parse(turns: object, extras: Extras, first: int = 0) -> list[Message]:
    """Messages of a list of turn objects; what they hold beyond a ``Message`` goes to ``extras``. Raises ``Bad``."""
    if not isinstance(turns, list):
        raise Bad(f"no list of messages (found: {type(turns).__name__})")
    messages: list[Message] = []
    for index, turn in enumerate(turns, first):
        if not isinstance(turn, dict):
            raise Bad(f"a message that is no object (found: {type(turn).__name__})")
        if len(turn) == 2:  # nearly every turn of nearly every file
            role, content = turn.get("role"), turn.get("content")
            if isinstance(content, str) and isinstance(role, str) and role in ROLES:
                messages.append(spoken(role, content))
                continue
        further: dict[str, Any] = {}
        messages.append(_message(turn, index, further, messages))
        if further:
            extras[str(index)] = further
    return messages


def ordered(messages: Sequence[Message]) -> None:
    """Raise ``Bad`` unless someone asks before the assistant answers, and the assistant has the last word."""
    if not messages:
        raise Bad("no messages")
    if messages[0].role == "assistant":
        raise Bad("the assistant speaks before anyone asked")
    if messages[0].role == "tool":
        raise Bad("a tool answers before anyone called it")
    if len(messages) < 2 or messages[-1].role != "assistant":
        raise Bad("the last message is not an assistant's answer to a question")


def form(extras: Extras, **more: Any) -> dict[str, Any]:
    """The metadata entry that keeps ``extras`` and ``more``; nothing when there is nothing to keep."""
    kept = ({"turns": extras} if extras else {}) | more
    return {FORM: kept} if kept else {}


def extras_of(sample: Sample) -> Extras:
    """What ``parse`` put aside, back from the sample's metadata."""
    kept = sample.metadata.get(FORM)
    turns = kept.get("turns") if isinstance(kept, dict) else None
    return turns if isinstance(turns, dict) else {}


def dump(message: Message, further: Mapping[str, Any]) -> dict[str, Any]:
    """The turn as an object, with the keys that ``parse`` put aside."""
    further = dict(further)
    key = _reasoning_key(further)
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning and key is None:
        turn["content"] = f"{OPEN}{message.reasoning}{CLOSE}{message.content}"
    elif key is not None:
        further[key] = message.reasoning
    if message.tool_calls:
        turn["content"] = turn["content"] or None
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        turn["tool_call_id"] = message.tool_call_id
    if message.name:
        turn["name"] = message.name
    if message.weight != 1.0:
        turn["weight"] = _number(message.weight)
    return turn | further


def spoken(role: Any, content: str, **fields: Any) -> Message:
    """A message whose leading ``<think>…</think>``, if it is the assistant's, becomes its reasoning."""
    if role == "assistant" and content.startswith(OPEN):
        inner, closed, rest = content[len(OPEN) :].partition(CLOSE)
        if closed and inner:
            return Message(role, rest, inner, **fields)
    return Message(role, content, **fields)


def text_of(content: object) -> str:
    """A string, or the text of a list of text parts. Raises ``Bad`` for an image, a sound or anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise Bad("a message whose content is not text")
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise Bad(f"a message with a part that is not text ({kind or type(part).__name__})")
        texts.append(part["text"])
    return "".join(texts)


def arguments_of(value: object) -> str:
    """A call's arguments as JSON text: as it stands when it is text, else encoded."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _message(turn: dict[str, Any], index: int, further: dict[str, Any], before: Sequence[Message]) -> Message:
    written = turn.get("role")
    role = MODERN.get(written, written) if isinstance(written, str) else ""
    if role not in ROLES:
        raise Bad(f"a message without a known role ({written!r})")
    if written == "developer":
        further["role"] = written
    further.update((name, value) for name, value in turn.items() if name not in KEYS)
    calls = _calls(turn, index, further)
    content = turn.get("content")
    text = "" if content is None and calls else text_of(content)
    call_id = _text(turn, "tool_call_id")
    if written == "function" and before and before[-1].tool_calls:
        call_id = before[-1].tool_calls[0].id
    fields: dict[str, Any] = {
        "tool_calls": calls,
        "tool_call_id": call_id,
        "name": _text(turn, "name"),
        "weight": _weight(turn),
    }
    key = _reasoning_key(further)
    if key is None:
        return spoken(role, text, **fields)
    reasoning, further[key] = further[key], ""  # the key stays as the mark of where the reasoning stood
    return Message(role, text, reasoning, **fields)  # type: ignore[arg-type]  # checked against ROLES above


def _reasoning_key(further: Mapping[str, Any]) -> str | None:
    return next((key for key in REASONING_KEYS if isinstance(further.get(key), str)), None)


def _calls(turn: dict[str, Any], index: int, further: dict[str, Any]) -> tuple[ToolCall, ...]:
    legacy = turn.get("function_call")
    if isinstance(legacy, dict):
        return (_parsed({"id": f"call_{index}_0", "function": legacy}),)
    calls = turn.get("tool_calls")
    if not calls:
        return ()
    if not isinstance(calls, list):
        raise Bad("tool_calls is not a list")
    parsed = tuple(_parsed(call) for call in calls)
    if any(call.keys() - {"id", "type", "function"} for call in calls):
        further["tool_calls"] = calls
    return parsed


def _parsed(call: object) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise Bad("a tool call without a function's name")
    given = call.get("id")
    return ToolCall(given if isinstance(given, str) else "", function["name"], arguments_of(function.get("arguments", "{}")))


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _text(turn: dict[str, Any], key: str) -> str:
    value = turn.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Bad(f"a message whose {key} is not text")
    return value


def _weight(turn: dict[str, Any]) -> float:
    value = turn.get("weight", 1.0)
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Bad("a message whose weight is not a number")
    return float(value)


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value
