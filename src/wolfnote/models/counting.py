"""Tokens of a row as a model's own tokenizer and chat template make them, without loading its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wolfnote.errors import InputError, MissingExtra
from wolfnote.models import chat, path_of
from wolfnote.records import Sample


def counter(spec: str) -> Callable[[Sample], tuple[int, int]]:
    """A function that gives the tokens of a sample's prompt and of its answer, under the chat template of ``spec``.

    Raises ``InputError`` for a spec without a tokenizer, ``MissingExtra`` without transformers.
    """
    try:
        from transformers import AutoTokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "transformers", "local") from None
    path = path_of(spec.partition("+")[0])
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"no tokenizer: {reason}", where=spec, remedy="give package:smollm2 or hf:FOLDER") from None

    def count(sample: Sample) -> tuple[int, int]:
        if not sample.prompt:
            return 0, len(tokenizer(sample.answer, add_special_tokens=False)["input_ids"])
        ids, start = chat.encode(tokenizer, chat.prompt_text(tokenizer, sample.prompt), sample.answer)
        return start, len(ids) - start

    return count
