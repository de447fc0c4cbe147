"""Which tokens of a training batch count: the answers, and nothing of prompt, padding or a sequence's first token.

In packed rows several sequences lie behind each other, told apart by position ids that start again. The first token of each is
its attention sink, a hundred times a word's length: it is neither read nor changed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from wolfnote.tuning.supervision import IGNORED


class Tokens(NamedTuple):
    """Of one pass, each [rows, tokens]: ``said``, the answers' own tokens; ``taught``, they and those that predict one;
    ``sequence``, which sequence a token belongs to, numbered through the batch."""

    said: Tensor
    taught: Tensor
    sequence: Tensor


def of_batch(labels: Tensor, mask: Tensor | None = None, positions: Tensor | None = None) -> Tokens:
    """The tokens of a batch by its ``labels`` [rows, tokens], -100 where nothing is learnt; ``mask`` is 0 on padding."""
    real = mask.bool() if mask is not None and mask.shape == labels.shape else torch.ones_like(labels, dtype=torch.bool)
    first = _first(real, positions)
    said = (labels != IGNORED) & real & ~first
    predicts = torch.zeros_like(said)
    predicts[:, :-1] = said[:, 1:]
    within = first.long().cumsum(1)
    offset = torch.nn.functional.pad(within[:, -1].cumsum(0)[:-1], (1, 0))
    return Tokens(said, (said | predicts) & real & ~first, (within + offset[:, None] - 1).clamp(min=0))


def means(hidden: Tensor, tokens: Tokens) -> Tensor:
    """Mean of ``hidden`` [rows, tokens, width] over each answer's tokens, float32 [answers, width]."""
    where = tokens.said.flatten().nonzero()[:, 0]
    owner = tokens.sequence.flatten()[where]
    _, dense = owner.unique(return_inverse=True)
    count = torch.bincount(dense)
    sums = torch.zeros(len(count), hidden.shape[-1], device=hidden.device)
    sums.index_add_(0, dense, hidden.flatten(0, 1)[where].float())
    return sums / count[:, None]


def _first(real: Tensor, positions: Tensor | None) -> Tensor:
    """Where a sequence begins: at position 0, or at a row's first real token when nobody says."""
    if positions is not None and positions.shape[-1] == real.shape[1] and positions.dim() == 2:
        return (positions.expand_as(real) == 0) & real
    return (real.long().cumsum(1) == 1) & real
