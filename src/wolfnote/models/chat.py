"""The chat template, applied once, and where an answer begins and ends in tokens.

A prompt is rendered as text and tokenised together with its answer; the answer's tokens are those whose characters lie
behind the prompt. Tokenising the two apart can split a word differently from what the model was trained on. The template
writes every special token, so the tokenizer adds none: no second BOS.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from jinja2.exceptions import TemplateError

from wolfnote.models.model import Conversation
from wolfnote.records import Message, Sample

_MARK = "QUESTION"
_THINK = re.compile(r"\s*<think>(.*?)(?:</think>|\Z)|((?:(?!<think>).)*?)</think>", re.DOTALL)


class Encoded(NamedTuple):
    """Token ids of prompt and answer, and the index of the first answer token."""

    ids: list[int]
    start: int


def prompt_text(tokenizer: Any, messages: Conversation) -> str:
    """The conversation as the template renders it (its silent system prompt included), ready for the answer.

    Without messages, as before running text: the tokenizer's own beginning, which is often empty.
    """
    if not messages:
        return str(tokenizer.decode(tokenizer("")["input_ids"]))
    return _render(tokenizer, messages, add_generation_prompt=True)


def encode(tokenizer: Any, prompt: str, answer: str) -> Encoded:
    """Ids of ``prompt + answer``. A first token with nothing before it counts as prompt: nothing predicts it."""
    encoding = tokenizer(prompt + answer, add_special_tokens=False, return_offsets_mapping=True)
    ends = [end for _, end in encoding["offset_mapping"]]
    start = next((i for i, end in enumerate(ends) if end > len(prompt)), len(ends))
    return Encoded(list(encoding["input_ids"]), max(1, start))


def learnt(tokenizer: Any, sample: Sample) -> tuple[str, str]:
    """Prompt and what is to be learnt of a row, as text: the last turn up to the token that stops generation.

    A turn with tool calls or reasoning is taken from the template, which alone knows how the model writes them; reasoning
    that the template leaves out is learnt as it stood in the row, before the answer.
    """
    prompt, last = prompt_text(tokenizer, sample.prompt), sample.messages[-1]
    if not sample.prompt:
        return prompt, last.content + (tokenizer.eos_token or "")
    if not (last.tool_calls or last.reasoning):
        return prompt, last.content + end_of_turn(tokenizer)
    whole = _render(tokenizer, sample.messages, add_generation_prompt=False)
    if last.reasoning and last.reasoning.strip() not in whole:
        return prompt, f"<think>{last.reasoning}</think>{last.content}{end_of_turn(tokenizer)}"
    if not whole.startswith(prompt):
        return prompt, ""  # a template that rewrites earlier turns: nothing that could be learnt as it is said
    head, stop, _ = whole[len(prompt) :].rpartition(tokenizer.eos_token)
    return prompt, head + stop


def end_of_turn(tokenizer: Any) -> str:
    """The text with which the template ends an assistant's turn, up to the token that stops generation."""
    mark = "ANSWER"
    tail = _render(tokenizer, (Message("user", _MARK), Message("assistant", mark)), add_generation_prompt=False)
    head, stop, _ = tail.rpartition(mark)[2].partition(tokenizer.eos_token)
    return head + stop if stop else str(tokenizer.eos_token)


def silent(tokenizer: Any) -> str:
    """What the template writes before a first question, unasked: special tokens, and in many models a system prompt."""
    return _render(tokenizer, (Message("user", _MARK),), add_generation_prompt=False).partition(_MARK)[0]


def _render(tokenizer: Any, messages: Conversation, *, add_generation_prompt: bool) -> str:
    def apply(turns: Conversation) -> str:
        rows = [_row(m) for m in turns]
        return str(tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=add_generation_prompt))

    try:
        return apply(messages)
    except TemplateError:
        if messages[0].role != "system" or len(messages) < 2:
            raise
        # templates without a system role (Gemma's) refuse one; its place is then the head of the first question
        first = Message(messages[1].role, f"{messages[0].content}\n\n{messages[1].content}")
        return apply((first, *messages[2:]))


def turn(message: Message) -> dict[str, Any]:
    """A message in the shape that templates and servers take; its reasoning stays apart."""
    row: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        row["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in message.tool_calls
        ]
    return row | {key: value for key in ("tool_call_id", "name") if (value := getattr(message, key))}


def split(text: str) -> tuple[str, str]:
    """Answer and reasoning of what a model said: the latter in a leading ``<think>``, which the template may have opened."""
    match = _THINK.match(text)
    if not match:
        return text.strip(), ""
    return text[match.end() :].strip(), (match[1] or match[2] or "").strip()


def _row(message: Message) -> dict[str, Any]:
    return turn(message) | ({"reasoning_content": message.reasoning} if message.reasoning else {})
