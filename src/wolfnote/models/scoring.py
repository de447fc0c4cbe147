"""How likely each answer is: a tree of key-value caches, so that no shared token is computed twice.

trunk: what the whole batch shares (the silent system prompt) · twig: the rest of each prompt · leaf: each answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from wolfnote.models.batching import pad, positions
from wolfnote.models.chat import Encoded
from wolfnote.models.model import Likelihood


def score(module: Any, batch: Sequence[Sequence[Encoded]]) -> list[tuple[Likelihood, ...]]:
    """Likelihoods of every answer of every prompt; all prompts have equally many answers."""
    device = next(module.parameters()).device
    stems = [_stem(options) for options in batch]
    trunk = min(_shared([e.ids for options in batch for e in options]), min(stems) - 1)
    cache = DynamicCache(config=module.config)
    mask = torch.ones(len(batch), trunk, dtype=torch.long, device=device)
    if trunk:
        module(torch.tensor([batch[0][0].ids[:trunk]], device=device), past_key_values=cache, logits_to_keep=1)
        cache.batch_repeat_interleave(len(batch))
    twigs = [options[0].ids[trunk : stem - 1] for options, stem in zip(batch, stems, strict=True)]
    if any(twigs):
        ids, twig_mask = pad(twigs, "left", device)
        mask = torch.cat([mask, twig_mask], 1)
        _extend(module, cache, ids, mask, logits_to_keep=1)
    width = len(batch[0])
    if trunk or any(twigs):
        cache.batch_repeat_interleave(width)
    # the last shared token is fed again with each answer: its logits predict the answer's first token
    leaves = [e.ids[stem - 1 :] for options, stem in zip(batch, stems, strict=True) for e in options]
    ids, leaf_mask = pad(leaves, "right", device)
    logits = _extend(module, cache, ids, torch.cat([mask.repeat_interleave(width, 0), leaf_mask], 1))
    picked = torch.log_softmax(logits[:, :-1].float(), -1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    spans = [(e.start - stem, len(e.ids) - stem) for options, stem in zip(batch, stems, strict=True) for e in options]
    flat = [_sum(row[start:stop]) for row, (start, stop) in zip(picked, spans, strict=True)]
    return [tuple(flat[i : i + width]) for i in range(0, len(flat), width)]


def _extend(module: Any, cache: DynamicCache, ids: Tensor, mask: Tensor, **options: Any) -> Tensor:
    at = positions(mask, ids.shape[1])
    logits: Tensor = module(ids, attention_mask=mask, position_ids=at, past_key_values=cache, **options).logits
    return logits


def _stem(options: Sequence[Encoded]) -> int:
    """How many leading tokens all answers of a prompt share, at most up to the first answer token."""
    return min(_shared([e.ids for e in options]), min(e.start for e in options))


def _shared(rows: Sequence[list[int]]) -> int:
    """Length of the prefix that all rows have in common."""
    first, last = min(rows), max(rows)  # in lexicographic order the extremes part earliest
    pairs = zip(first, last, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _sum(span: Tensor) -> Likelihood:
    return Likelihood(float(span.double().sum()), int(span.numel()))
