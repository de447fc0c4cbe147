"""Drawing answers token by token, each row from its own random stream, so that batching changes no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from wolfnote.models.batching import pad, positions
from wolfnote.models.model import Sampling


def sample(
    module: Any, prompts: Sequence[list[int]], stop: set[int], how: Sampling, streams: Sequence[torch.Generator]
) -> list[list[int]]:
    """Ids of one answer a prompt, the stop token included. Row i draws from ``streams[i]`` only."""
    device = next(module.parameters()).device
    ids, mask = pad(prompts, "left", device)
    cache = DynamicCache(config=module.config)
    answers: list[list[int]] = [[] for _ in prompts]
    going = set(range(len(prompts)))
    for _ in range(how.max_tokens):
        at = positions(mask, ids.shape[1])
        out = module(ids, attention_mask=mask, position_ids=at, past_key_values=cache, logits_to_keep=1)
        ids = draw(out.logits[:, -1].float().cpu(), how, streams).to(device)
        for row in sorted(going):
            token = int(ids[row, 0])
            answers[row].append(token)
            if token in stop:
                going.discard(row)
        if not going:
            break
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
    return answers


def draw(logits: Tensor, how: Sampling, streams: Sequence[torch.Generator]) -> Tensor:
    """One token a row, [rows, 1]: the most likely at T = 0, else from the smallest set that holds ``top_p`` of the mass."""
    if how.temperature == 0:
        return logits.argmax(-1, keepdim=True)
    mass, order = torch.softmax(logits / how.temperature, -1).sort(-1, descending=True)
    mass[mass.cumsum(-1) - mass >= how.top_p] = 0
    picks = [torch.multinomial(row, 1, generator=stream) for row, stream in zip(mass, streams, strict=True)]
    return order.gather(-1, torch.stack(picks))
