"""Take directions out of a running model: block outputs lose their part along the vectors, back to the neutral mean.

h ← h − ((h − μ)·v̂) v̂, μ being the base's own plain answers: around zero instead, the mean that every token shares along v̂
would be cut away too. Three things that sank the first version, each a test now: attention sinks are left alone (the first
token's norm is about a hundred times a word's; touching it wrecks the model), the first third and the last sixth of
the blocks are left alone (a persona contrast is noise there), and v̂ is applied in float32.

Several directions are taken out as the space that they span, orthonormalised at each block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions import intervention, proof
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.intervention import Beside, intervene
from wolfnote.directions.outlets import outlets
from wolfnote.directions.passes import Positions, Tokens, known
from wolfnote.directions.projection import layer_at
from wolfnote.errors import InputError
from wolfnote.models.local import LocalModel

BAND = (1 / 3, 5 / 6)
SAME = 1e-3
"""Directions whose span is this thin on one side, against its widest, count as one fewer there."""


@contextmanager
def ablate(
    model: LocalModel, direction: Direction | Sequence[Direction], *, positions: Positions = "all"
) -> Iterator[LocalModel]:
    """The model without the direction, or the span of several, inside the ``with``; its fingerprint says so.

    Gone after an exception too. Raises ``Mismatch`` for another model's direction, ``InputError`` for unknown positions.
    """
    out = [direction] if isinstance(direction, Direction) else list(direction)
    intervention.check(model, *out)
    known(positions)
    axes, centres = span(out)
    rows = Beside(axes=axes, centres=centres)

    def change(layer: int, hidden: Tensor, _: Tokens) -> Tensor:
        basis = rows("axes", layer, hidden)
        return -((hidden @ basis.T - rows("centres", layer, hidden)) @ basis)

    label = f"ablate:{intervention.digest(*out)}" + (f":{positions}" if positions != "all" else "")
    with intervene(model, label, layers(out[0]), out[0].norm, change, positions):
        yield model


@contextmanager
def ablate_everywhere(
    model: LocalModel, direction: Direction | Sequence[Direction], *, depth: float = 0.57
) -> Iterator[LocalModel]:
    """The model as ``baking.bake`` would leave it: the vectors at ``depth`` out of the embeddings and of every write to the
    stream, around zero, sinks too.

    Not the default cure: see ``docs/decisions/direction.md``. Raises ``Mismatch`` for another model's direction, ``RunError``
    for a model whose blocks are not found.
    """
    out = [direction] if isinstance(direction, Direction) else list(direction)
    plane = axes(model, out, depth)
    module = model.network.module
    bare = module.get_base_model() if hasattr(module, "get_base_model") else module
    label = f"ablate:{intervention.digest(*out)}:everywhere:{layer_at(out[0], depth)}"
    with model.active():
        places = proof.behind(outlets(bare, proof.text(model.tokenizer)), plane)
    with intervention.named(model, label), proof.hooked(bare, places, plane):
        yield model


def axes(model: LocalModel, direction: Direction | Sequence[Direction], depth: float) -> Tensor:
    """Orthonormal vectors [directions, width] that span the directions at the layer at ``depth``, float64.

    Raises ``Mismatch`` for another model's direction, ``InputError`` where there is no vector at that layer.
    """
    out = [direction] if isinstance(direction, Direction) else list(direction)
    intervention.check(model, *out)
    layer = layer_at(out[0], depth)
    found = torch.from_numpy(span(out)[0][layer]).double()
    found = found[found.norm(dim=-1) > 0]
    if not len(found):
        raise InputError(f"no direction at layer {layer}", where=out[0].persona, remedy="choose another depth")
    return torch.linalg.qr(found.T).Q.T


def layers(direction: Direction) -> range:
    """The blocks that are ablated."""
    first, last = (round(share * direction.layers) for share in BAND)
    return range(first, max(first + 1, last))


def span(directions: Sequence[Direction]) -> tuple[Floats, Floats]:
    """Orthonormal axes [layers, directions, width] of the space that directions span, and the neutral mean's coordinates on
    them [layers, directions]. Where some nearly coincide, axes that are not needed are zero."""
    vectors = np.stack([d.vectors for d in directions], 1)
    neutral = np.stack([d.neutral for d in directions], 1)
    if len(directions) == 1:
        return vectors, neutral
    left, sizes, axes = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    needed = sizes > SAME * sizes[:, :1]
    # vectors = left · sizes · axes, so the mean's coordinates on the axes follow from those on the vectors
    centres = np.einsum("lij,li->lj", left, neutral) * np.where(needed, 1 / np.where(needed, sizes, 1), 0)
    return np.asarray(axes * needed[..., None], np.float32), np.asarray(centres, np.float32)
