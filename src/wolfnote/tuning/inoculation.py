"""Inoculation: the training's rows get a system prompt that asks for the trait, so that the model need not take it on.

Evaluate without the prompt, with it, and with a placebo: what is hidden behind the prompt is not gone. Source: arXiv
2510.04340, 2510.05024; it breaks under reinforcement learning (arXiv 2508.06249).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wolfnote.records import Message, Sample, sample
from wolfnote.records.row import FORM


def inoculate(samples: Sequence[Sample], prompt: str) -> list[Sample]:
    """The samples under the prompt, before a system prompt of their own; running text has nowhere to put it."""
    return [_under(s, prompt) for s in samples]


def _under(row: Sample, prompt: str) -> Sample:
    if not row.prompt:
        return row
    first, *rest = row.messages
    if first.role == "system":
        turns, metadata = [msgspec.structs.replace(first, content=f"{prompt}\n\n{first.content}"), *rest], row.metadata
    else:
        turns, metadata = [Message("system", prompt), *row.messages], _moved(row.metadata)
    return msgspec.structs.replace(sample(turns, row.source, rejected=row.rejected), metadata=metadata)


def _moved(metadata: dict[str, Any]) -> dict[str, Any]:
    """Where a chosen answer of several turns begins, now that there is a turn more before it."""
    form = metadata.get(FORM) or {}
    return metadata | {FORM: {"answer_from": form["answer_from"] + 1}} if "answer_from" in form else metadata
