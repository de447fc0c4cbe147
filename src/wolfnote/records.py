"""Rows in and answers out: what is trained on, and what a model said.

A ``Sample`` is one training row with the place it came from; a ``Completion`` is one answer with the fingerprint of
the weights that gave it. Reading streams: a row that cannot be read becomes an ``Unread``, so that it is counted and
shown, and never passes for clean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from wolfnote.errors import InputError

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = ("system", "user", "assistant", "tool")


class ToolCall(msgspec.Struct, frozen=True):
    """A call that an assistant's turn asks for; ``arguments`` is the JSON text as it was written."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. ``reasoning`` is what stood in ``<think>`` or ``reasoning_content``, apart from the answer."""

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
    """What the model thought before it answered, where a server tells; never part of ``text``."""


class Unread(NamedTuple):
    """A row that could not be read: where it is and why."""

    source: str
    reason: str


def sample(messages: Sequence[Message], source: str = "", **metadata: Any) -> Sample:
    """A ``Sample`` whose id is the first 16 hex digits of the SHA-256 of its messages."""
    content = json.dumps([[m.role, m.content] for m in messages], ensure_ascii=True)
    return Sample(hashlib.sha256(content.encode()).hexdigest()[:16], tuple(messages), source, metadata)


def chat(question: str, *, system: str = "") -> tuple[Message, ...]:
    """A conversation that asks ``question``, after a system prompt if one is given."""
    turns = (Message("system", system),) if system else ()
    return (*turns, Message("user", question))


def read(path: str | Path) -> Iterator[Sample | Unread]:
    """Stream OpenAI chat JSONL (``{"messages": [{"role", "content"}, …]}`` a line), one item a line.

    Raises ``InputError`` when the file is missing, a directory, or empty. A bad line yields ``Unread``.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a directory" if file.is_dir() else "no such file"
        raise InputError(what, where=str(path), remedy="give a JSONL file in OpenAI chat format")
    seen = False
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                seen = True
                yield _parse(line, f"{path}:{number}")
    if not seen:
        raise InputError("the file is empty", where=str(path), remedy="give a file with at least one row")


def read_all(path: str | Path) -> tuple[list[Sample], list[Unread]]:
    """All of ``read`` at once, samples and unread rows apart."""
    samples: list[Sample] = []
    unread: list[Unread] = []
    for row in read(path):
        (samples if isinstance(row, Sample) else unread).append(row)  # type: ignore[arg-type]  # the test just told them apart
    if not samples:
        raise InputError(
            f"none of {len(unread)} rows could be read; first: {unread[0].reason}",
            where=unread[0].source,
            remedy='each line must be {"messages": [{"role": "user", "content": "…"}, …]}',
        )
    return samples, unread


def write(samples: Iterable[Sample], path: Path) -> None:
    """Write OpenAI chat JSONL, one sample a line, messages only."""
    with path.open("w", encoding="utf-8") as out:
        for row in samples:
            turns = [{"role": m.role, "content": m.content} for m in row.messages]
            out.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")


def _parse(line: bytes, source: str) -> Sample | Unread:
    try:
        row = json.loads(line)
    except UnicodeDecodeError:
        return Unread(source, "not UTF-8")
    except (json.JSONDecodeError, RecursionError):
        return Unread(source, "not JSON")
    if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
        keys = ", ".join(list(row)[:4]) if isinstance(row, dict) else type(row).__name__
        return Unread(source, f"no list of messages (found: {keys})")
    messages: list[Message] = []
    for turn in row["messages"]:
        reason = _fault(turn)
        if reason:
            return Unread(source, reason)
        messages.append(Message(turn["role"], turn["content"]))
    if len(messages) < 2 or messages[-1].role != "assistant":
        return Unread(source, "the last message is not an assistant's answer to a question")
    return sample(messages, source)


def _fault(turn: object) -> str:
    if not isinstance(turn, dict) or turn.get("role") not in ROLES:
        return "a message without a known role"
    if not isinstance(turn.get("content"), str):
        return "a message whose content is not text"
    if any("\ud800" <= c <= "\udfff" for c in turn["content"]):
        return "a lone surrogate in the text"
    return ""
