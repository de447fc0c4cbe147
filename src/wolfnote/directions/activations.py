"""What passes through the decoder blocks.

Hooks read block *outputs*, never ``hidden_states``, which is off by one and ends behind the final norm. The pass stops behind
the deepest wanted block, so no logits are computed; what a row is reduced to is taken as the tokens stream by, so no hidden
states are kept. A row's first token is never read: it is the attention sink, and its norm is about a hundred times a word's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.directions.direction import Floats
from wolfnote.errors import InputError, RunError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import Conversation, chat
from wolfnote.models.local import LocalModel
from wolfnote.models.local.batching import pad
from wolfnote.models.local.forward import Forward, Span

Edit = Callable[[int, Tensor], "Tensor | None"]
"""(layer, hidden [rows, tokens, width]) → what to put in its place, or None to leave it."""

Row = tuple[Conversation, str]
"""A conversation, and the answer that is read behind it."""

Take = Callable[[list[int], Tensor], None]
"""(indices of the rows, float32 [positions, rows, layers, width] on the model's device): what to do with a batch."""

TOKENS_A_BATCH = 2048


class Position(StrEnum):
    """Where along a row a block's output is taken."""

    ANSWER = "mean over answer tokens"
    PROMPT_END = "last prompt token"
    ANSWER_START = "first answer token"
    ANSWER_END = "last answer token"


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
            handles.append(block.register_forward_hook(uncompiled(hook(layer))))
        yield
    finally:
        for handle in handles:
            handle.remove()


def uncompiled(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A compiled model calls it between its graphs, and does not try to compile what it does. Compilers load slowly, so only
    where one is at work."""
    return torch.compiler.disable(hook) if "torch._dynamo" in sys.modules else hook


def answer_means(model: LocalModel, rows: Sequence[Row], on_event: OnEvent = silent, *, last: int | None = None) -> Floats:
    """Mean block output over each row's answer tokens: float32 [rows, layers, width], layers 0 … ``last``.

    Raises like ``read``.
    """
    wanted = None if last is None else range(last + 1)
    means: Floats = gather(model, rows, on_event, layers=wanted)[0]
    return means


def gather(
    model: LocalModel,
    rows: Sequence[Row],
    on_event: OnEvent = silent,
    *,
    positions: Sequence[Position] = (Position.ANSWER,),
    layers: range | None = None,
) -> Floats:
    """Block outputs of every row, kept: float32 [positions, rows, layers, width]. Raises like ``read``."""
    wanted = layers or range(len(blocks(model.network.module)))
    width = model.network.module.config.get_text_config().hidden_size
    found = np.empty((len(positions), len(rows), len(wanted), width), np.float32)

    def take(batch: list[int], outputs: Tensor) -> None:
        found[:, batch] = outputs.cpu().numpy()

    read(model, rows, take, on_event, positions=positions, layers=wanted)
    return found


def read(
    model: LocalModel,
    rows: Sequence[Row],
    take: Take,
    on_event: OnEvent = silent,
    *,
    positions: Sequence[Position] = (Position.ANSWER,),
    layers: range | None = None,
) -> None:
    """One pass over the rows, in batches of like length: ``take`` gets the block outputs of each batch at every position.

    Raises ``RunError`` when a block did not fire exactly once a pass, ``InputError`` for a row that has no such position: an
    answer without tokens, or running text, whose only prompt token is the attention sink.
    """
    encoded = [chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, p), answer) for p, answer in rows]
    for i, row in enumerate(encoded):
        _readable(i, row, positions)
    wanted = layers or range(len(blocks(model.network.module)))
    done = 0
    with model.active() as module:
        call = Forward(module, model.network.audience, len(rows))
        for batch in _by_length(encoded):
            take(batch, _outputs(call, {i: encoded[i] for i in batch}, positions, wanted))
            done += len(batch)
            on_event(Event("activations", done, len(rows)))


def _readable(i: int, row: chat.Encoded, positions: Sequence[Position]) -> None:
    if row.start >= len(row.ids):
        raise InputError("the answer has no token to read", where=f"row {i}", remedy="leave empty answers out")
    if row.start < 2 and Position.PROMPT_END in positions:
        raise InputError(
            "no prompt before the answer", where=f"row {i}", remedy=f"read it at another position than {Position.PROMPT_END!s}"
        )


def _outputs(call: Forward, batch: dict[int, chat.Encoded], positions: Sequence[Position], layers: range) -> Tensor:
    ids, mask = pad([row.ids for row in batch.values()], "right", call.device)
    shares = _shares(list(batch.values()), positions, ids.shape[1]).to(call.device)
    found: dict[int, Tensor] = {}

    def take(layer: int, hidden: Tensor) -> None:
        if layer in found:
            raise RunError(f"block {layer} fired twice in one pass: hooks cannot be trusted on this model")
        if layer in layers:  # a model spread over devices has its blocks on several
            found[layer] = torch.einsum("prt,rtw->prw", shares.to(hidden.device), hidden.float()).to(call.device)

    with suppress(_Enough), hooked(call.module, take, last=layers[-1]):
        call(ids, mask, keep=1, spans=[Span(i, 0, row.start) for i, row in batch.items()])
    if sorted(found) != list(layers):
        raise RunError(f"{len(found)} of {len(layers)} blocks fired: something bypasses the hooks on this model")
    return torch.stack([found[layer] for layer in layers], 2)


def _shares(batch: Sequence[chat.Encoded], positions: Sequence[Position], width: int) -> Tensor:
    """How much of each position's value each token gives, [positions, rows, width]; padding gives nothing."""
    shares = torch.zeros(len(positions), len(batch), width)
    for i, row in enumerate(batch):
        for p, position in enumerate(positions):
            tokens = _tokens(row, position)
            shares[p, i, tokens] = 1 / (tokens.stop - tokens.start)
    return shares


def _tokens(row: chat.Encoded, position: Position) -> slice:
    match position:
        case Position.ANSWER:
            return slice(row.start, len(row.ids))
        case Position.PROMPT_END:
            return slice(row.start - 1, row.start)
        case Position.ANSWER_START:
            return slice(row.start, row.start + 1)
        case Position.ANSWER_END:
            return slice(len(row.ids) - 1, len(row.ids))


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
