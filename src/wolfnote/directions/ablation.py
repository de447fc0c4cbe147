"""Take a direction out of a running model: block outputs lose their part along the vector, back to the neutral mean.

h ← h − ((h − μ)·v̂) v̂, μ being the base's own plain answers: around zero instead, the mean that every token shares along v̂
would be cut away too. Three things that sank the first version, each a test now: attention sinks are left alone (the first
token's norm is about a hundred times a word's; touching it wrecks the model), the first third and the last sixth of
the blocks are left alone (a persona contrast is noise there), and v̂ is applied in float32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from wolfnote.directions.activations import hooked
from wolfnote.directions.direction import Direction
from wolfnote.models.local import LocalModel

BAND = (1 / 3, 5 / 6)
SINK = 5.0
"""A token whose norm exceeds this many times a plain answer's is an attention sink."""


@contextmanager
def ablate(model: LocalModel, direction: Direction) -> Iterator[LocalModel]:
    """The model without the direction, inside the ``with``; its fingerprint says so. Gone after an exception too."""
    network = model.network
    width = network.module.config.get_text_config().hidden_size
    direction.check(model.fingerprint, (direction.layers, width))
    vectors, neutral, norm = (
        torch.from_numpy(a).to(network.device) for a in (direction.vectors, direction.neutral, direction.norm)
    )
    wanted = layers(direction)

    def edit(layer: int, hidden: Tensor) -> Tensor | None:
        if layer not in wanted:
            return None
        wide = hidden.float()  # a bfloat16 projector leaves 2⁻⁸ behind
        along = wide @ vectors[layer] - neutral[layer]
        along = along.masked_fill(wide.norm(dim=-1) > SINK * norm[layer], 0.0)
        return (wide - along[..., None] * vectors[layer]).to(hidden.dtype)

    label = "ablate:" + hashlib.sha256(direction.vectors.tobytes()).hexdigest()[:12]
    network.interventions.append(label)
    try:
        with hooked(network.module, edit):
            yield model
    finally:
        network.interventions.remove(label)


def layers(direction: Direction) -> range:
    """The blocks that are ablated."""
    first, last = (round(share * direction.layers) for share in BAND)
    return range(first, max(first + 1, last))
