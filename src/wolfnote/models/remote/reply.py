"""What an OpenAI-compatible server answered: text, reasoning and why it stopped, each in its own place."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

from wolfnote.models import chat
from wolfnote.models.remote.connection import Passing

FinishReason = Literal["stop", "length", "content_filter", "tool_calls", "unknown"]
FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class Reply(NamedTuple):
    """One answer. ``reasoning`` is what the model thought before it, from a field of its own or a leading ``<think>``."""

    text: str
    reasoning: str
    finish_reason: FinishReason


def choice(body: dict[str, Any]) -> dict[str, Any]:
    """The first choice of a reply. Raises ``Passing`` where there is none."""
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    raise Passing("a reply without choices")


def content(body: dict[str, Any]) -> str:
    """The answer's text as it was sent, or what stands in its place when the model refused. Raises ``Passing``."""
    message = _message(body)
    found = message.get("content")
    if isinstance(found, list):
        found = "".join(str(part.get("text", "")) for part in found if isinstance(part, dict))
    return found if isinstance(found, str) and found else str(message.get("refusal") or "")


def read(body: dict[str, Any]) -> Reply:
    """The answer in a chat reply. Raises ``Passing`` for a reply that holds none."""
    message, text = _message(body), content(body)
    thought = message.get("reasoning_content") or message.get("reasoning") or ""
    if not thought:
        text, thought = chat.split(text)
    finish = FINISHES.get(str(choice(body).get("finish_reason")), "unknown")
    return Reply(text.strip(), str(thought).strip(), finish)


def first_token(body: dict[str, Any]) -> dict[str, float]:
    """Probabilities of the first token of an answer, by its text; empty where the reply has none. Raises ``Passing``."""
    logprobs = choice(body).get("logprobs")
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    found: dict[str, float] = {}
    for row in first.get("top_logprobs") or ():
        value = row.get("logprob") if isinstance(row, dict) else None
        if isinstance(value, int | float) and value < 0.01:  # rounding may leave it a little above 0
            text = str(row.get("token"))
            found[text] = found.get(text, 0.0) + math.exp(min(0.0, value))
    return found


def _message(body: dict[str, Any]) -> dict[str, Any]:
    message = choice(body).get("message")
    if not isinstance(message, dict):
        raise Passing("a choice without a message")
    return message
