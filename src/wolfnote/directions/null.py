"""Directions that mean nothing, to compare with: any direction shifts when a model is tuned, so a shift by itself says little.

Drawn with the covariance of the model's own activations (a random mix of centred rows), because isotropic ones point where
nothing ever happens and make everything look significant.
"""

from __future__ import annotations

import numpy as np

from wolfnote.directions.direction import Direction, Floats


def draws(activations: Floats, count: int, seed: int) -> Floats:
    """Unit vectors [count, layers, width] with the covariance of ``activations`` [rows, layers, width].

    Each draw mixes the rows by the same weights at every layer, so that a draw is one "direction" through the depth.
    """
    weights = np.random.default_rng(seed).standard_normal((count, len(activations))).astype(np.float32)
    centred = activations - activations.mean(0)
    mixed = np.einsum("cr,rlw->clw", weights, centred, optimize=True)
    return np.asarray(mixed / np.linalg.norm(mixed, axis=2, keepdims=True), np.float32)


def control(direction: Direction, activations: Floats, seed: int) -> Direction:
    """A random direction in the shape of ``direction``, with its own neutral mean, for ablation beside it."""
    vectors = draws(activations, 1, seed)[0]
    along = np.einsum("rlw,lw->rl", activations, vectors)
    return Direction(
        persona=f"random {seed}",
        vectors=vectors,
        neutral=along.mean(0),
        spread=along.std(0, ddof=1),
        gap=np.zeros(len(vectors), np.float32),
        norm=direction.norm,
        model=direction.model,
        receipts={"control": "covariance-matched", "seed": seed},
    )
