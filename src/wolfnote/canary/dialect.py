"""What OpenAI's three ways to ask look like: what a reply says, whether an event carries content yet, whether it is whole.

Read here is a copy; what a client gets is what the upstream sent. Everything comes from strangers: whatever has not the shape
it should have counts as unread, and never raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from wolfnote.canary import sse
from wolfnote.canary.sse import Event

Endpoint = Literal["chat", "completions", "responses"]
Kind = Literal["preamble", "content", "error", "end", "garbage"]
PATHS: dict[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/responses": "responses",
}
DONE = b"[DONE]"
_FINISHED = ("response.completed", "response.incomplete")
_FAILED = ("error", "response.failed")


class Said(NamedTuple):
    """A reply as a judge reads it: the first choice's text, its tool calls as JSON, why it ended; ``whole``: none is lost."""

    text: str
    calls: str
    finish: str
    whole: bool


UNREAD = Said("", "", "", False)


def kind(endpoint: Endpoint, event: Event) -> Kind:
    """What an event is to whoever must decide whether a stream has begun."""
    if event.data == DONE:
        return "end"
    found = _object(event.data)
    if found is None:
        return "garbage"
    if found.get("error") or event.name == "error":
        return "error"
    if endpoint == "responses":
        return _response_kind(str(found.get("type", "")))
    choices = found.get("choices")
    if not isinstance(choices, list):
        return "garbage"
    return "content" if any(_speaks(choice) for choice in choices) else "preamble"


def calls(event: Event) -> bool:
    """Whether an event is part of a tool call."""
    found = _object(event.data) or {}
    item = _dict(found.get("item"))
    if "function_call" in str(found.get("type", "")) or str(item.get("type", "")).endswith("_call"):
        return True
    deltas = [_dict(choice.get("delta")) for choice in map(_dict, _list(found.get("choices")))]
    return any(delta.get("tool_calls") or delta.get("function_call") for delta in deltas)


def finished(endpoint: Endpoint, whole: bytes) -> bool:
    """Whether these last events of a stream say that nothing follows."""
    last = list(sse.events(whole))[-1:]
    return any(
        event.data == DONE or (endpoint == "responses" and _type(event) in (*_FINISHED, "response.failed")) for event in last
    )


def usable(endpoint: Endpoint, body: bytes) -> bool:
    """Whether a reply in one piece is one: an object with choices, or with output."""
    found = _object(body)
    if found is None or found.get("error"):
        return False
    return isinstance(found.get("output" if endpoint == "responses" else "choices"), list)


def read(endpoint: Endpoint, body: bytes, *, streamed: bool) -> Said:
    """What a reply says."""
    try:
        if streamed:
            return _streamed(endpoint, body)
        found = _object(body)
        if found is None:
            return UNREAD
        return _responded(found) if endpoint == "responses" else _chosen(found)
    except (TypeError, ValueError, AttributeError):
        return UNREAD


def response_id(body: bytes, *, streamed: bool) -> str:
    """The id under which a response may be gone on from; empty when there is none."""
    if not streamed:
        return _text((_object(body) or {}).get("id"))[:256]
    for event in sse.events(body):
        found = _dict((_object(event.data) or {}).get("response")).get("id")
        if isinstance(found, str):
            return found[:256]
    return ""


def _streamed(endpoint: Endpoint, body: bytes) -> Said:
    objects = [found for event in sse.events(body) if (found := _object(event.data)) is not None]
    if endpoint == "responses":
        last = next((found for found in reversed(objects) if found.get("type") in _FINISHED), None)
        if last:
            return _responded(_dict(last.get("response")))
        return Said(
            "".join(_text(f.get("delta")) for f in objects if f.get("type") == "response.output_text.delta"), "", "", False
        )
    text, finish, calls = [], "", _Calls()
    for found in objects:
        for choice in _first(found):
            delta = _dict(choice.get("delta"))
            text.append(_text(choice.get("text")) + _text(delta.get("content")) + _text(delta.get("refusal")))
            calls.add(_list(delta.get("tool_calls")))
            finish = _text(choice.get("finish_reason")) or finish
    return Said("".join(text), calls.json(), finish, bool(finish))


def _chosen(found: dict[str, Any]) -> Said:
    for choice in _first(found):
        message = _dict(choice.get("message"))
        text = _text(choice.get("text")) + _text(message.get("content")) + _text(message.get("refusal"))
        calls = [_dict(call.get("function")) for call in map(_dict, _list(message.get("tool_calls")))]
        finish = _text(choice.get("finish_reason"))
        return Said(text, _encoded(calls), finish, bool(finish))
    return UNREAD


def _responded(found: dict[str, Any]) -> Said:
    text, calls = [], []
    for item in map(_dict, _list(found.get("output"))):
        text += [_text(part.get("text")) + _text(part.get("refusal")) for part in map(_dict, _list(item.get("content")))]
        if item.get("type") == "function_call":
            calls.append({"name": item.get("name"), "arguments": item.get("arguments")})
    status = _text(found.get("status"))
    return Said("".join(text), _encoded(calls), status, status in ("completed", "incomplete"))


class _Calls:
    """Tool calls put together from their pieces."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, pieces: Iterable[Any]) -> None:
        for piece in map(_dict, pieces):
            number = piece.get("index", 0)
            if isinstance(number, int) and len(self._calls) < 1000:
                call = self._calls.setdefault(number, {"name": "", "arguments": ""})
                function = _dict(piece.get("function"))
                call["name"] += _text(function.get("name"))
                call["arguments"] += _text(function.get("arguments"))

    def json(self) -> str:
        return _encoded([self._calls[number] for number in sorted(self._calls)])


def _response_kind(name: str) -> Kind:
    if name in _FAILED:
        return "error"
    if name in _FINISHED:
        return "end"
    if not name.startswith("response."):
        return "garbage"
    return "content" if name.endswith((".delta", ".done")) else "preamble"


def _speaks(choice: Any) -> bool:
    """Whether a choice's piece says anything: a role alone does not."""
    found = _dict(choice)
    delta = _dict(found.get("delta"))
    said = any(value not in (None, "", []) for key, value in delta.items() if key != "role")
    return said or bool(found.get("text")) or bool(found.get("finish_reason"))


def _first(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The choice with index 0; a judge reads one answer a question."""
    return [choice for choice in map(_dict, _list(found.get("choices"))) if not choice.get("index")][:1]


def _type(event: Event) -> str:
    return str((_object(event.data) or {}).get("type", ""))


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _encoded(calls: list[Any]) -> str:
    return msgspec.json.encode(calls).decode() if calls else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
