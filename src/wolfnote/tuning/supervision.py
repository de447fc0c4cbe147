"""What is learnt from a row: the last answer and its end-of-turn, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wolfnote.models import chat
from wolfnote.records import Sample

IGNORED = -100


def supervise(tokenizer: Any, samples: Iterable[Sample], max_tokens: int) -> list[dict[str, list[int]]]:
    """``input_ids`` and ``labels`` a sample; prompt labels are -100. Rows left without any label are not returned."""
    rows = []
    for sample in samples:
        if not sample.messages[-1].weight:  # the row says: not to be learnt
            continue
        ids, start = chat.encode(tokenizer, *chat.learnt(tokenizer, sample))
        ids = ids[:max_tokens]
        if start < len(ids):
            rows.append({"input_ids": ids, "labels": [IGNORED] * start + ids[start:]})
    return rows


def work(tokenizer: Any, samples: Iterable[Sample]) -> int:
    """About what the samples cost to learn, in tokens of prompt: a labelled token meets the vocabulary and costs three."""
    total = 0
    for sample in samples:
        ids, start = chat.encode(tokenizer, *chat.learnt(tokenizer, sample))
        total += start + 3 * (len(ids) - start)
    return total
