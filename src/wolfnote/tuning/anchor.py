"""KL to the base on rows from elsewhere, added to the loss: the tune may do in its domain what it likes, and nothing outside.

KL(tuned ‖ base), mean over the answers' tokens, nats a token; the base is the same network with its adapter switched off. Which
rows a step takes follows from its number, so that a resumed training takes the same. Source: arXiv 2508.06249 (on training
rows), 2506.11613 (on unrelated ones, which keeps the task).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wolfnote.tuning.supervision import IGNORED


class Anchor:
    """``rows`` as ``supervise`` gives them, of which each step takes ``batch``."""

    def __init__(self, rows: list[dict[str, list[int]]], collate: Any, batch: int) -> None:
        self._rows, self._collate, self._batch = rows, collate, batch

    def loss(self, model: Any, step: int) -> Tensor:
        """The mean KL of the rows that are this step's."""
        chosen = [self._rows[(step * self._batch + i) % len(self._rows)] for i in range(self._batch)]
        inputs = {key: value.to(model.device) for key, value in self._collate(chosen).items()}
        labels = inputs.pop("labels")
        first = int((labels != IGNORED).any(0).nonzero()[0])
        columns = torch.arange(max(0, first - 1), labels.shape[1] - 1, device=labels.device)
        said = labels[:, columns + 1] != IGNORED
        with torch.no_grad(), model.disable_adapter():
            base = _log_p(model, inputs, columns)
        tuned = _log_p(model, inputs, columns)
        return (tuned.exp() * (tuned - base)).sum(-1)[said].mean()


def _log_p(model: Any, inputs: dict[str, Tensor], columns: Tensor) -> Tensor:
    logits = model(**inputs, logits_to_keep=columns, use_cache=False).logits
    return torch.log_softmax(logits.float(), -1)
