"""Push a running model along a direction, or away from it.

h ← h + dose · norm · v̂ at a few neighbouring blocks, norm being the median length of a plain answer's activations there: a dose
is relative, because lengths differ a hundredfold between models and layers (c‖v‖/‖h‖; published doses work near 0.7 and
collapse near 1.9). The dose is shared out over the blocks. Attention sinks are left alone, as in ``ablation``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from wolfnote.directions.ablation import SINK
from wolfnote.directions.activations import hooked
from wolfnote.directions.direction import Direction
from wolfnote.models.local import LocalModel

DEPTH, WIDTH = 0.5, 0.1
"""Where it pushes, as shares of the depth: around the middle, over a tenth of the blocks."""


@contextmanager
def steer(model: LocalModel, direction: Direction, dose: float, *, layers: range | None = None) -> Iterator[LocalModel]:
    """The model pushed by ``dose`` along the direction inside the ``with``; below zero, away from the persona.

    Its fingerprint says so; gone after an exception too. Safe under autograd and gradient checkpointing: nothing is written in
    place. Raises ``Mismatch`` for another model's direction.
    """
    network = model.network
    width = network.module.config.get_text_config().hidden_size
    direction.check(model.fingerprint, (direction.layers, width))
    wanted = layers or band(direction.layers)
    vectors, norm = (torch.from_numpy(a).to(network.device) for a in (direction.vectors, direction.norm))

    def edit(layer: int, hidden: Tensor) -> Tensor | None:
        if layer not in wanted or dose == 0:
            return None
        wide = hidden.float()
        push = (dose / len(wanted)) * norm[layer] * vectors[layer]
        words = (wide.norm(dim=-1, keepdim=True) <= SINK * norm[layer]).float()
        return (wide + words * push).to(hidden.dtype)

    digest = hashlib.sha256(direction.vectors.tobytes()).hexdigest()[:12]
    label = f"steer:{digest}:{dose:g}:{wanted.start}-{wanted.stop - 1}"
    network.interventions.append(label)
    try:
        with hooked(network.module, edit):
            yield model
    finally:
        network.interventions.remove(label)


def band(count: int) -> range:
    """The blocks that are pushed, of ``count``."""
    first = int((DEPTH - WIDTH / 2) * count)
    return range(first, max(first + 1, round((DEPTH + WIDTH / 2) * count)))
