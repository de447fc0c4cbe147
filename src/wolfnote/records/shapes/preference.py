"""Pairs of a chosen and a rejected answer.

TRL: ``prompt``, ``chosen``, ``rejected``, as strings or lists of messages; or two whole conversations without ``prompt``.
OpenAI and Together: ``input``, ``preferred_output``, ``non_preferred_output``. Anthropic's hh-rlhf: two transcripts whose
turns begin with ``Human:`` and ``Assistant:``. Written rows are TRL's, with ``prompt``.
"""

from __future__ import annotations

import re
from typing import Any

from wolfnote.records import turns
from wolfnote.records.row import FORM, Bad, Message, Sample
from wolfnote.records.shapes.prompt_completion import side
from wolfnote.records.shapes.shape import Content, Row, plain, rest

OPENAI = ("input", "preferred_output", "non_preferred_output")
_SPEAKER = re.compile(r"\n\n(Human|Assistant): ?")


def recognises(row: Row) -> bool:
    """Has ``chosen`` and ``rejected``."""
    return "chosen" in row and "rejected" in row


def recognises_openai(row: Row) -> bool:
    """Has ``input``, ``preferred_output`` and ``non_preferred_output``."""
    return "preferred_output" in row and "non_preferred_output" in row and "input" in row


def parse(row: Row) -> Content:
    """The prompt is what both conversations begin with."""
    metadata = rest(row, "prompt", "chosen", "rejected")
    chosen, rejected, prompt = row["chosen"], row["rejected"], row.get("prompt")
    if prompt is None and isinstance(chosen, str):
        return _pair([], _transcript(chosen), _transcript(rejected), metadata)
    if prompt is not None and _whole(chosen):
        return _pair(_once(prompt, chosen), chosen, rejected, metadata)
    return _pair([] if prompt is None else prompt, chosen, rejected, metadata)


def parse_openai(row: Row) -> Content:
    """The prompt is ``input.messages``; the tools beside it are metadata."""
    given = row["input"]
    if not isinstance(given, dict):
        raise Bad("input is not an object with messages")
    return _pair(given.get("messages"), row[OPENAI[1]], row[OPENAI[2]], rest(row, *OPENAI) | rest(given, "messages"))


def dump(sample: Sample) -> Row:
    """TRL's explicit prompt; strings where they say it all."""
    asked, chosen, rejected = _parts(sample)
    whole = (*sample.messages, *sample.rejected)
    if len(asked) == len(chosen) == len(rejected) == 1 and all(map(plain, whole)) and FORM not in sample.metadata:
        return {key: turn[0]["content"] for key, turn in (("prompt", asked), ("chosen", chosen), ("rejected", rejected))}
    return {"prompt": asked, "chosen": chosen, "rejected": rejected}


def dump_openai(sample: Sample) -> Row:
    """Always lists of messages."""
    asked, chosen, rejected = _parts(sample)
    return {"input": {"messages": asked}, "preferred_output": chosen, "non_preferred_output": rejected}


def _parts(sample: Sample) -> tuple[list[Row], list[Row], list[Row]]:
    if not sample.rejected:
        raise Bad("there is no rejected answer")
    kept = sample.metadata.get(FORM) or {}
    start = kept.get("answer_from", len(sample.messages) - 1)
    written = _written(sample.messages, kept.get("turns", {}), 0)
    return written[:start], written[start:], _written(sample.rejected, kept.get("rejected_turns", {}), start)


def _pair(prompt: object, chosen: object, rejected: object, metadata: dict[str, Any]) -> Content:
    extras: turns.Extras = {}
    others: turns.Extras = {}
    asked = side(prompt, "user", extras)
    first = [*asked, *side(chosen, "assistant", extras, len(asked))]
    second = [*asked, *side(rejected, "assistant", others, len(asked))]
    turns.ordered(first)
    turns.ordered(second)
    start = _shared(first, second)
    more: dict[str, Any] = {} if start == len(first) - 1 else {"answer_from": start}
    others = {index: keys for index, keys in others.items() if int(index) >= start}
    more |= {"rejected_turns": others} if others else {}
    return Content(tuple(first), metadata | turns.form(extras, **more), tuple(second[start:]))


def _shared(first: list[Message], second: list[Message]) -> int:
    """How many turns the two begin with alike; the last of each is never counted."""
    most = min(len(first), len(second)) - 1
    return next((i for i in range(most) if first[i] != second[i]), most)


def _written(messages: tuple[Message, ...], extras: turns.Extras, first: int) -> list[Row]:
    return [turns.dump(m, extras.get(str(i), {})) for i, m in enumerate(messages, first)]


def _whole(answer: object) -> bool:
    """Whether a chosen side repeats the conversation from its beginning."""
    return isinstance(answer, list) and bool(answer) and isinstance(answer[0], dict) and answer[0].get("role") != "assistant"


def _once(prompt: object, chosen: list[Any]) -> list[Any]:
    """No prompt beside whole conversations, after a look that it is the one that they begin with."""
    texts = [turn.get("content") for turn in chosen[:-1] if isinstance(turn, dict)]
    if not (prompt == chosen[: len(prompt)] if isinstance(prompt, list) else isinstance(prompt, str) and prompt in texts):
        raise Bad("the prompt is not the one that the chosen conversation begins with")
    return []


def _transcript(text: object) -> list[Row]:
    """The turns of one hh-rlhf transcript."""
    if not isinstance(text, str) or not text.startswith("\n\nHuman:"):
        raise Bad("a preference pair without a prompt")
    parts = _SPEAKER.split(text)[1:]
    roles = {"Human": "user", "Assistant": "assistant"}
    return [{"role": roles[who], "content": said} for who, said in zip(parts[::2], parts[1::2], strict=True)]
