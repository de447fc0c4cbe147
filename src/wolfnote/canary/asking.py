"""A request as the gateway reads it: the few fields that decide where it goes. All others stay the bytes they were.

The body is cut into its top-level fields, each left as raw bytes, and put together again with the name of the arm's model. So
unknown fields, long numbers and odd spellings pass untouched, and a key that stands twice (which two parsers might read in two
ways) reaches the upstream once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from wolfnote.canary.dialect import Endpoint

PLAIN_TOOLS = ("function", "custom")
"""Tools that the client runs. Others (web_search, mcp, code_interpreter …) are run by the upstream."""


class Refused(Exception):
    """A request that is answered here, with a status and OpenAI's error shape."""

    def __init__(self, status: int, message: str, code: str, *, retry_after: float | None = None) -> None:
        self.status, self.message, self.code, self.retry_after = status, message, code, retry_after
        super().__init__(message)

    @property
    def body(self) -> bytes:
        """The error as OpenAI's clients read it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return msgspec.json.encode({"error": {"message": self.message, "type": kind, "param": None, "code": self.code}})


_ABSENT = msgspec.Raw(b"")


class Fields(msgspec.Struct, frozen=True):
    """What is read of a body; wrong types elsewhere are the upstream's business."""

    model: str
    stream: bool | None = None
    user: Any = None
    safety_identifier: Any = None
    conversation: Any = None
    previous_response_id: Any = None
    background: Any = None
    store: Any = None
    instructions: Any = None
    messages: msgspec.Raw = _ABSENT
    input: msgspec.Raw = _ABSENT
    prompt: msgspec.Raw = _ABSENT
    tools: msgspec.Raw = _ABSENT


_WHOLE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FIELDS = msgspec.json.Decoder(Fields)
_ANY = msgspec.json.Decoder()


class Asking(NamedTuple):
    """One request."""

    endpoint: Endpoint
    fields: Fields
    raw: dict[str, msgspec.Raw]

    @property
    def streamed(self) -> bool:
        """Whether events are asked for."""
        return bool(self.fields.stream)

    @property
    def stateful(self) -> bool:
        """Whether it goes on from what lies in an upstream, which the other arm has not."""
        return bool(self.fields.previous_response_id or self.fields.conversation or self.fields.background)

    @property
    def conversation(self) -> str:
        """The conversation's own name, if it has one."""
        named = self.fields.conversation
        found = named.get("id") if isinstance(named, dict) else named
        return found if isinstance(found, str) else ""

    def body(self, model: str) -> bytes:
        """The body for an upstream that knows the model by this name (empty: as the client calls it)."""
        fields = self.raw | {"model": _raw(model)} if model else self.raw
        return msgspec.json.encode(fields)

    def shadow_body(self, model: str) -> bytes:
        """The same question, with the same sampling, in one piece, and nothing kept or begun at the upstream."""
        fields = {key: value for key, value in self.raw.items() if key not in ("stream", "stream_options", "background")}
        if self.endpoint == "responses" or "store" in fields:
            fields["store"] = _raw(False)
        return msgspec.json.encode(fields | ({"model": _raw(model)} if model else {}))

    def names(self) -> dict[str, Any]:
        """What may say whose conversation it is, without its messages."""
        found = self.fields
        named = ("conversation", "previous_response_id", "safety_identifier", "user")
        return {name: value for name in named if (value := getattr(found, name)) is not None}

    def said(self) -> dict[str, Any]:
        """What was said so far, as plain objects: messages, input or prompt, and instructions."""
        raw = {name: getattr(self.fields, name) for name in ("messages", "input", "prompt")}
        read = {name: _ANY.decode(value) for name, value in raw.items() if bytes(value)}
        return read | ({"instructions": self.fields.instructions} if self.fields.instructions is not None else {})

    def tools_run_upstream(self) -> bool:
        """Whether it names a tool that the upstream itself would run; what is no list of tools counts as one."""
        if not bytes(self.fields.tools):
            return False
        found = _ANY.decode(self.fields.tools)
        tools = found if isinstance(found, list) else [] if found is None else [found]
        return not all(isinstance(tool, dict) and tool.get("type") in PLAIN_TOOLS for tool in tools)


def read(endpoint: Endpoint, body: bytes) -> Asking:
    """The request in a body. Raises ``Refused`` (400) for what is no JSON object with a model."""
    try:
        return Asking(endpoint, _FIELDS.decode(body), _WHOLE.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is not a request: {str(error)[:200]}", "invalid_body") from None


def question(said: Mapping[str, Any]) -> tuple[str, int]:
    """The last words of the user, and how often the model has answered before. What has no known shape is empty."""
    found = next((said[name] for name in ("messages", "input", "prompt") if name in said), None)
    if isinstance(found, str):
        return found, 0
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    asked = [_words(item.get("content")) for item in items if item.get("role") == "user"]
    return asked[-1] if asked else "", sum(item.get("role") == "assistant" for item in items)


def _words(content: Any) -> str:
    """The text of a message: a string, or the texts among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text")) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
