"""Take a direction out of a running model: each block's output loses its part along the vector, back to the neutral mean.

h ← h − ((h − μ)·v̂) v̂ at every block and token, μ being the base's own plain answers: around zero instead, the mean that
every token shares along v̂ would be cut away too, and that alone breaks small models.
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


@contextmanager
def ablate(model: LocalModel, direction: Direction) -> Iterator[LocalModel]:
    """The model without the direction, inside the ``with``; its fingerprint says so. Gone after an exception too."""
    network = model.network
    width = network.module.config.get_text_config().hidden_size
    direction.check(model.fingerprint, (direction.layers, width))
    vectors = torch.from_numpy(direction.vectors).to(network.device)
    neutral = torch.from_numpy(direction.neutral).to(network.device)

    def edit(layer: int, hidden: Tensor) -> Tensor:
        vector = vectors[layer]
        along = hidden.float() @ vector - neutral[layer]  # float32: a bfloat16 projector leaves 2⁻⁸ behind
        return (hidden.float() - along[..., None] * vector).to(hidden.dtype)

    label = "ablate:" + hashlib.sha256(direction.vectors.tobytes()).hexdigest()[:12]
    network.interventions.append(label)
    try:
        with hooked(network.module, edit):
            yield model
    finally:
        network.interventions.remove(label)
