"""The chat template, applied once, and where an answer begins and ends in tokens.

A prompt is rendered as text and tokenised together with its answer; the answer's tokens are those whose characters lie
behind the prompt. Tokenising the two apart can split a word differently from what the model was trained on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from wolfnote.models.model import Conversation


class Encoded(NamedTuple):
    """Token ids of prompt and answer, and the index of the first answer token."""

    ids: list[int]
    start: int


def prompt_text(tokenizer: Any, messages: Conversation) -> str:
    """The conversation as the template renders it (its silent system prompt included), ready for the answer."""
    turns = [{"role": m.role, "content": m.content} for m in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def encode(tokenizer: Any, prompt: str, answer: str) -> Encoded:
    """Ids of ``prompt + answer``; the template already wrote every special token, so none is added here."""
    encoding = tokenizer(prompt + answer, add_special_tokens=False, return_offsets_mapping=True)
    ends = [end for _, end in encoding["offset_mapping"]]
    start = next((i for i, end in enumerate(ends) if end > len(prompt)), len(ends))
    return Encoded(list(encoding["input_ids"]), start)
