"""How likely each answer is: a tree of key-value caches, so that no shared token is computed twice.

trunk: what the whole batch shares (the silent system prompt) · twig: the rest of each prompt · leaf: each answer.
Answers of one token each (the letters of a choice) need no leaf: the twig's last logits predict them all. Where a model
cannot share, each prompt with each answer is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import DynamicCache

from wolfnote.models.chat import Encoded
from wolfnote.models.local import forward
from wolfnote.models.local.batching import pad
from wolfnote.models.local.forward import Forward, Span
from wolfnote.models.model import Likelihood


def score(call: Forward, batch: Sequence[Sequence[Encoded]], questions: Sequence[int]) -> list[tuple[Likelihood, ...]]:
    """Likelihoods of every answer of every prompt, in order; ``questions`` number the prompts within the whole call."""
    flat = _whole(batch, questions, call) if call.alone else _shared(batch, questions, call)
    found = iter(flat)
    return [tuple(next(found) for _ in options) for options in batch]


def _whole(batch: Sequence[Sequence[Encoded]], questions: Sequence[int], call: Forward) -> list[Likelihood]:
    rows = [e for options in batch for e in options]
    ids, mask = pad([e.ids for e in rows], "right", call.device)
    picked = _picked(call(ids, mask, spans=_spans(batch, questions, [0] * len(batch))), ids)
    return [_sum(row[max(0, e.start - 1) : len(e.ids) - 1]) for row, e in zip(picked, rows, strict=True)]


def _shared(batch: Sequence[Sequence[Encoded]], questions: Sequence[int], call: Forward) -> list[Likelihood]:
    stems = [_stem(options) for options in batch]
    sharing = call.gaps and not call.audience.apart
    trunk = min(_common([e.ids for options in batch for e in options]), min(stems) - 1) if sharing else 0
    cache = call.cache()
    mask = torch.ones(len(batch), trunk, dtype=torch.long, device=call.device)
    if trunk > 0:
        ids = torch.tensor([batch[0][0].ids[:trunk]], device=call.device)
        call(ids, mask[:1], cache, keep=1, spans=[Span(questions[0], 0, trunk + 1)])
        forward.select(cache, torch.zeros(len(batch), dtype=torch.long, device=call.device))
    if all(len(e.ids) == stem + 1 for options, stem in zip(batch, stems, strict=True) for e in options):
        return _next_tokens([options[0].ids[trunk:-1] for options in batch], batch, mask, cache, questions, call)
    twigs = [options[0].ids[trunk : stem - 1] for options, stem in zip(batch, stems, strict=True)]
    if any(twigs):
        ids, twig_mask = pad(twigs, "left", call.device)
        mask = torch.cat([mask, twig_mask], 1)
        call(ids, mask, cache, keep=1, spans=[Span(question, 0, ids.shape[1] + 1) for question in questions])
    of_leaf = torch.tensor([i for i, options in enumerate(batch) for _ in options], device=call.device)
    forward.select(cache, of_leaf)
    # the last shared token is fed again with each answer: its logits predict the answer's first token
    leaves = [e.ids[stem - 1 :] for options, stem in zip(batch, stems, strict=True) for e in options]
    ids, leaf_mask = pad(leaves, "right", call.device)
    spans = _spans(batch, questions, [stem - 1 for stem in stems])
    picked = _picked(call(ids, torch.cat([mask[of_leaf], leaf_mask], 1), cache, spans=spans), ids)
    places = [(e.start - stem, len(e.ids) - stem) for options, stem in zip(batch, stems, strict=True) for e in options]
    return [_sum(row[start:stop]) for row, (start, stop) in zip(picked, places, strict=True)]


def _next_tokens(
    twigs: Sequence[list[int]],
    batch: Sequence[Sequence[Encoded]],
    mask: Tensor,
    cache: DynamicCache,
    questions: Sequence[int],
    call: Forward,
) -> list[Likelihood]:
    """Answers of one token, all read off the distribution behind their prompt: one row a question."""
    ids, twig_mask = pad(twigs, "left", call.device)
    spans = [Span(question, 0, ids.shape[1]) for question in questions]
    logits = call(ids, torch.cat([mask, twig_mask], 1), cache, keep=1, spans=spans)[:, -1]
    found = torch.log_softmax(logits.float(), -1)
    return [Likelihood(float(found[i, e.ids[-1]]), 1) for i, options in enumerate(batch) for e in options]


def _spans(batch: Sequence[Sequence[Encoded]], questions: Sequence[int], cut: Sequence[int]) -> list[Span]:
    """One span an answer, ``cut`` tokens of each prompt having been read before this pass."""
    of_prompt = zip(batch, questions, cut, strict=True)
    return [Span(question, j, e.start - before) for options, question, before in of_prompt for j, e in enumerate(options)]


def _picked(logits: Tensor, ids: Tensor) -> Tensor:
    """log p of each token given those before it, [rows, columns - 1]."""
    return torch.log_softmax(logits[:, :-1].float(), -1).gather(-1, ids[:, 1:, None]).squeeze(-1)


def _stem(options: Sequence[Encoded]) -> int:
    """How many leading tokens all answers of a prompt share, at most up to the first answer token."""
    return min(_common([e.ids for e in options]), min(e.start for e in options))


def _common(rows: Sequence[list[int]]) -> int:
    """Length of the prefix that all rows have in common."""
    first, last = min(rows), max(rows)  # in lexicographic order the extremes part earliest
    pairs = zip(first, last, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _sum(span: Tensor) -> Likelihood:
    return Likelihood(float(span.double().sum()), int(span.numel()))
