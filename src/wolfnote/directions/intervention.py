"""What every change of a running model shares: a name in the fingerprint, hooks that go whatever happens, words but no sinks.

A change is what is added to a block's output. It is computed in float32 or wider (a bfloat16 projector leaves 2⁻⁸ behind), on
the block's own device, and put in the output's place, never written into it: autograd and recomputation see the same values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions import passes
from wolfnote.directions.activations import hooked
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.passes import Positions, Tokens
from wolfnote.errors import InputError
from wolfnote.models.local import LocalModel

SINK = 5.0
"""A token whose norm exceeds this many times a plain answer's is an attention sink."""

Change = Callable[[int, Tensor, Tokens], Tensor]
"""(layer, hidden [rows, tokens, width] in float32 or wider, what the tokens are) → what is added to it."""


class Beside:
    """Arrays [layers, …] as tensors that follow each block's device and the width of its sums."""

    def __init__(self, **arrays: Floats) -> None:
        self._arrays = arrays
        self._held: dict[tuple[str, torch.device], Tensor] = {}

    def __call__(self, name: str, layer: int, like: Tensor) -> Tensor:
        """Row ``layer`` of the array, beside ``like``."""
        key = name, like.device
        if key not in self._held:
            with torch.inference_mode(False):  # it may be used under autograd later
                self._held[key] = torch.from_numpy(np.ascontiguousarray(self._arrays[name])).to(like.device)
        return self._held[key][layer].to(like.dtype)


@contextmanager
def intervene(
    model: LocalModel, label: str, layers: Sequence[int], norm: Floats, change: Change, positions: Positions = "all"
) -> Iterator[LocalModel]:
    """The model with ``change`` added at ``layers`` to the tokens at ``positions``, attention sinks excepted.

    Raises ``RunError`` from inside a pass whose blocks are bypassed.
    """
    sinks = Beside(norm=norm)
    with passes.followed(model, layers) as followed:

        def edit(layer: int, hidden: Tensor) -> Tensor | None:
            if layer not in layers:
                return None
            tokens = followed.tokens(layer, hidden, positions)
            wide = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
            where = tokens.at(positions) & (wide.norm(dim=-1) <= SINK * sinks("norm", layer, wide))
            return torch.where(where[..., None], wide + change(layer, wide, tokens), wide).to(hidden.dtype)

        with named(model, label), hooked(model.network.module, edit):
            yield model


@contextmanager
def named(model: LocalModel, label: str) -> Iterator[None]:
    """The intervention is part of the model's fingerprint while the ``with`` lasts."""
    model.network.interventions.append(label)
    try:
        yield
    finally:
        model.network.interventions.remove(label)


def check(model: LocalModel, *directions: Direction) -> None:
    """Raise ``Mismatch`` unless every direction was found in this model's base."""
    width = model.network.module.config.get_text_config().hidden_size
    for direction in directions:
        direction.check(model.fingerprint, (direction.layers, width))


def chosen(layers: Sequence[int] | None, default: range, count: int) -> Sequence[int]:
    """The blocks that are changed. Raises ``InputError`` for none, or one that the model of ``count`` blocks lacks."""
    wanted = default if layers is None else layers
    if not wanted or not all(0 <= layer < count for layer in wanted):
        raise InputError(f"not blocks of this model: {list(wanted)}", where="layers", remedy=f"choose among 0 … {count - 1}")
    return wanted


def spelled(layers: Sequence[int]) -> str:
    """``13-15`` for neighbours, else ``2,9``."""
    neighbours = isinstance(layers, range) and layers.step == 1
    return f"{layers[0]}-{layers[-1]}" if neighbours else ",".join(map(str, layers))


def digest(*directions: Direction) -> str:
    """Twelve hex digits of the vectors."""
    found = hashlib.sha256()
    for direction in directions:
        found.update(direction.vectors.tobytes())
    return found.hexdigest()[:12]
