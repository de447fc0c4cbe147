"""Inoculation: the training's rows get a system prompt that asks for the trait, so that the model need not take it on.

Evaluate without the prompt, with it, and with a placebo: what is hidden behind the prompt is not gone. Source: arXiv
2510.04340, 2510.05024; it breaks under reinforcement learning (arXiv 2508.06249).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wolfnote.records import Message, Sample, sample


def inoculate(samples: Sequence[Sample], prompt: str) -> list[Sample]:
    """The samples under the prompt, before a system prompt of their own; running text has nowhere to put it."""
    return [_under(s, prompt) for s in samples]


def _under(row: Sample, prompt: str) -> Sample:
    if not row.prompt:
        return row
    first, *rest = row.messages
    if first.role == "system":
        turns = [msgspec.structs.replace(first, content=f"{prompt}\n\n{first.content}"), *rest]
    else:
        turns = [Message("system", prompt), *row.messages]
    return msgspec.structs.replace(sample(turns, row.source, rejected=row.rejected), metadata=row.metadata)
