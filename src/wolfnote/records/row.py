"""What a row is: a message, a training sample, a completion, and a row that could not be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Literal, NamedTuple

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = ("system", "user", "assistant", "tool")

FORM = "wolfnote"
"""Key of ``Sample.metadata`` for what no other field holds and a row needs to come back out whole: ``turns`` (further keys of
single turns, by index), ``input`` (Alpaca's), ``answer_from`` (where a chosen answer of several turns begins)."""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call that an assistant's turn asks for; ``arguments`` is the JSON text as it was written."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One turn. ``reasoning`` is what stood between ``<think>`` and ``</think>`` at its start, or in a key of its own."""

    role: Role
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    weight: float = 1.0
    """0 = the row says not to learn this turn (OpenAI's ``weight``)."""


class Sample(msgspec.Struct, frozen=True):
    """One training row. ``id`` is the hash of its content; ``source`` is ``path:line``.

    A row of running text (a document, a source file, ``{"text": …}``) is one assistant message without a prompt. A preference
    pair holds the chosen answer in ``messages`` and the other one in ``rejected``.
    """

    id: str
    messages: tuple[Message, ...]
    source: str = ""
    metadata: dict[str, Any] = {}
    rejected: tuple[Message, ...] = ()

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The messages before the last assistant turn; empty for running text."""
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        """The text of the last turn, which ``read`` guarantees to be the assistant's."""
        return self.messages[-1].content


class Completion(msgspec.Struct, frozen=True):
    """One sampled answer. ``model`` is a weights fingerprint, not a name."""

    question_id: str
    model: str
    text: str
    seed: int
    finish_reason: Literal["stop", "length", "content_filter", "tool_calls", "unknown"]
    logprobs: tuple[float, ...] = ()
    reasoning: str = ""
    """What the model thought before it answered; never part of ``text``."""


class Unread(NamedTuple):
    """A row that could not be read: where it is and why."""

    source: str
    reason: str


class Bad(Exception):
    """Why a row cannot be read. ``read`` turns it into an ``Unread`` with the row's place."""


def sample(messages: Sequence[Message], source: str = "", *, rejected: Sequence[Message] = (), **metadata: Any) -> Sample:
    """A ``Sample`` whose id is the first 16 hex digits of the SHA-256 of its content."""
    return build(messages, source, rejected, metadata)


def build(messages: Sequence[Message], source: str, rejected: Sequence[Message], metadata: Mapping[str, Any]) -> Sample:
    """``sample`` for metadata whose keys are the user's own, ``messages`` and ``source`` among them."""
    return Sample(digest(messages, rejected)[:16], tuple(messages), source, dict(metadata), tuple(rejected))


def digest(messages: Sequence[Message], rejected: Sequence[Message] = ()) -> str:
    """The whole SHA-256 of a row's content in hex; the row's id is its beginning."""
    content = b", ".join(map(_content, messages))
    if rejected:
        content += b', ["rejected", [' + b", ".join(map(_content, rejected)) + b"]]"
    return hashlib.sha256(b"[" + content + b"]").hexdigest()


def chat(question: str, *, system: str = "") -> tuple[Message, ...]:
    """A conversation that asks ``question``, after a system prompt if one is given."""
    turns = (Message("system", system),) if system else ()
    return (*turns, Message("user", question))


def _content(message: Message) -> bytes:
    """What the id hashes: ``json.dumps`` of role and content, and of reasoning and calls where there are any.

    The ids of tool calls name nothing outside their row, and formats differ in whether they have any.
    """
    if message.reasoning or message.tool_calls:
        calls = [[call.name, call.arguments] for call in message.tool_calls]
        return json.dumps([message.role, message.content, message.reasoning, calls]).encode()
    text = message.content
    if text.isascii() and "\x7f" not in text:  # there the two encoders write the same, and this one is twice as fast
        return b'["%b", %b]' % (message.role.encode(), msgspec.json.encode(text))
    return f'["{message.role}", {encode_basestring_ascii(text)}]'.encode()
