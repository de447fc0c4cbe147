"""What passes through the decoder blocks.

Hooks read block *outputs*; the pass stops behind the deepest wanted block, so no logits are computed; per-row means are taken
as the tokens stream by, so no hidden states are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.directions.direction import Floats
from wolfnote.errors import RunError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import Conversation, chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local.batching import pad, positions

Edit = Callable[[int, Tensor], "Tensor | None"]
"""(layer, hidden [rows, tokens, width]) → what to put in its place, or None to leave it."""

TOKENS_A_BATCH = 2048


class _Enough(Exception):
    """The deepest wanted block has fired."""


@contextmanager
def hooked(module: Any, edit: Edit, *, last: int | None = None) -> Iterator[None]:
    """Call ``edit`` on each block's output, up to block ``last`` (then the pass stops). Hooks go, whatever happens."""
    handles = []

    def hook(layer: int) -> Callable[..., Any]:
        def fire(block: Any, inputs: Any, output: Any) -> Any:
            hidden = output[0] if isinstance(output, tuple | list) else output
            changed = edit(layer, hidden)
            if layer == last:
                raise _Enough
            if changed is None:
                return None
            if isinstance(output, tuple | list):
                return type(output)([changed, *output[1:]])
            return changed

        return fire

    try:
        for layer, block in enumerate(blocks(module)):
            handles.append(block.register_forward_hook(hook(layer)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def answer_means(
    model: LocalModel, rows: Sequence[tuple[Conversation, str]], on_event: OnEvent = silent, *, last: int | None = None
) -> Floats:
    """Mean block output over each row's answer tokens: float32 [rows, layers, width], layers 0 … ``last``.

    Raises ``RunError`` when a block did not fire exactly once a pass.
    """
    encoded = [chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, p), answer) for p, answer in rows]
    layers = len(blocks(model.network.module)) if last is None else last + 1
    found = np.empty((len(rows), layers, model.network.module.config.get_text_config().hidden_size), np.float32)
    done = 0
    with model.active() as module:
        for batch in _by_length(encoded):
            found[batch] = _batch_means(module, [encoded[i] for i in batch], layers)
            done += len(batch)
            on_event(Event("activations", done, len(rows)))
    return found


def _batch_means(module: Any, batch: Sequence[chat.Encoded], layers: int) -> Floats:
    ids, mask = pad([e.ids for e in batch], "right", next(module.parameters()).device)
    weights = mask.clone()
    for row, encoded in enumerate(batch):
        weights[row, : encoded.start] = 0
    share = (weights / weights.sum(1, keepdim=True).clamp(min=1)).to(torch.float32)
    means: dict[int, Tensor] = {}

    def read(layer: int, hidden: Tensor) -> None:
        if layer in means:
            raise RunError(f"block {layer} fired twice in one pass: hooks cannot be trusted on this model")
        means[layer] = torch.einsum("rt,rtw->rw", share.to(hidden.device), hidden.float()).cpu()

    try:
        with hooked(module, read, last=layers - 1):
            module(ids, attention_mask=mask, position_ids=positions(mask, ids.shape[1]), use_cache=False)
    except _Enough:
        pass
    if sorted(means) != list(range(layers)):
        raise RunError(f"{len(means)} of {layers} blocks fired: something bypasses the hooks on this model")
    stacked: Floats = torch.stack([means[layer] for layer in range(layers)], 1).numpy()
    return stacked


def _by_length(encoded: Sequence[chat.Encoded]) -> Iterator[list[int]]:
    """Indices in batches of like length, each at most ``TOKENS_A_BATCH`` tokens with padding."""
    batch: list[int] = []
    for i in sorted(range(len(encoded)), key=lambda j: len(encoded[j].ids)):
        if batch and (len(batch) + 1) * len(encoded[i].ids) > TOKENS_A_BATCH:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
