"""A drawn row as a reader sees it: turns, each a list of blocks. The text is handed on as it is; the page shows it as text.

What a row holds is not trusted to have any shape: whatever is no text is shown as JSON, and nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

Kind = Literal["text", "code", "thought", "call"]
LONGEST = 60_000
"""Characters of a turn that are shown at first."""
MOST_TURNS = 200
OPEN, CLOSE = "<think>", "</think>"
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
PLAIN = {"role", "content", "name", "weight", *THOUGHTS}


class Block(msgspec.Struct, frozen=True):
    """A piece of a turn; ``label`` is a code block's language or what else the piece is called."""

    kind: Kind
    text: str
    label: str = ""


class Turn(msgspec.Struct, frozen=True):
    """One message. ``cut``: how many characters are not shown yet."""

    role: str
    blocks: tuple[Block, ...]
    name: str = ""
    answer: bool = False
    """The last one, which is what is trained on first of all."""
    untrained: bool = False
    """The row says not to learn it (weight 0)."""
    cut: int = 0


class Conversation(msgspec.Struct, frozen=True):
    """A row; ``hidden`` counts turns that are not shown yet, ``rejected`` is the worse answer of a preference pair."""

    turns: tuple[Turn, ...]
    rejected: tuple[Turn, ...] = ()
    hidden: int = 0


def read(row: Mapping[str, Any], *, whole: bool = False) -> Conversation:
    """The conversation of a drawn row; ``whole`` shows what is otherwise cut."""
    messages, rejected = (_list(row.get(key)) for key in ("messages", "rejected"))
    most = max(len(messages), len(rejected)) if whole else MOST_TURNS
    hidden = max(0, len(messages) - most) + max(0, len(rejected) - most)
    shown = messages[-most:] if most else []  # the answer is at the end
    turns = [_turn(message, whole, answer=number == len(shown)) for number, message in enumerate(shown, 1)]
    return Conversation(tuple(turns), tuple(_turn(message, whole) for message in rejected[:most]), hidden)


def blocks(text: str) -> Iterator[Block]:
    """A text cut at its code fences. A fence that is never closed holds the rest."""
    kept: list[str] = []
    fence = language = ""
    for line in text.split("\n"):
        mark = _fence(line)
        if not fence and mark:
            yield from _text(kept)
            kept, fence, language = [], mark, line.strip()[len(mark) :].strip()[:30]
        elif fence and mark.startswith(fence) and line.strip() == mark:
            yield Block("code", "\n".join(kept), language)
            kept, fence = [], ""
        else:
            kept.append(line)
    if fence:
        yield Block("code", "\n".join(kept), language)
    else:
        yield from _text(kept)


def _fence(line: str) -> str:
    start = line.lstrip(" ")
    for mark in "`~":
        run = len(start) - len(start.lstrip(mark))
        if run >= 3:
            return mark * run
    return ""


def _text(lines: Sequence[str]) -> Iterator[Block]:
    text = "\n".join(lines).strip("\n")
    if text:
        yield Block("text", text)


def _turn(message: Any, whole: bool, *, answer: bool = False) -> Turn:
    if not isinstance(message, dict):
        message = {"role": "?", "content": message}
    text = _words(message.get("content"))
    cut = 0 if whole else max(0, len(text) - LONGEST)
    found = [*_thoughts(message), *_said(text[: len(text) - cut], message.get("role")), *_calls(message)]
    return Turn(
        role=str(message.get("role", "?")),
        blocks=tuple(found),
        name=str(message.get("name") or ""),
        answer=answer,
        untrained=message.get("weight") == 0,
        cut=cut,
    )


def _said(text: str, role: Any) -> Iterator[Block]:
    if role == "assistant" and text.startswith(OPEN):
        thought, closed, text_after = text[len(OPEN) :].partition(CLOSE)
        if closed:
            yield Block("thought", thought.strip("\n"), "thinks")
            text = text_after
    yield from blocks(text)


def _thoughts(message: Mapping[str, Any]) -> Iterator[Block]:
    for key in THOUGHTS:
        if message.get(key):
            yield Block("thought", _words(message[key]), "thinks")


def _calls(message: Mapping[str, Any]) -> Iterator[Block]:
    """Whatever else a turn holds: tool calls above all."""
    for key, value in message.items():
        if key not in PLAIN and value not in (None, "", [], {}):
            yield Block("call", _words(value), str(key).replace("_", " ")[:40])


def _words(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
