"""From two sets of activations to a direction: what separates them, by five readings of "separates".

Mean difference is along which the sets lie apart: the one to steer and to ablate with. The whitened ones, the discriminant and
the logistic, are how to *tell* the sets apart with the least noise: they read better and steer worse (their cosine to the best
controller is .1 to .2, arXiv 2606.24952). All are fitted a layer at a time, in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions.accumulation import Moments
from wolfnote.directions.direction import Floats

SHRINK = 0.5
"""How far a covariance is drawn towards its diagonal: some hundred rows do not determine width² numbers."""
FLOOR = 1e-6
"""Least variance of a coordinate, as a share of the mean one: a coordinate that never moves would divide by zero."""
PENALTY = 0.1
"""Ridge of the logistic fit, rows being scaled to unit mean square: without one, separable sets have no best answer."""
STEPS = 50
NOTHING = 1e-12
"""Length of a fitted vector up to which it is rounding."""


class Method(StrEnum):
    """How a direction is found from paired rows."""

    MEAN = "mean difference"
    WHITENED = "whitened"
    DISCRIMINANT = "discriminant"
    LOGISTIC = "logistic"
    PRINCIPAL = "principal component"


def fit(method: Method, positive: Tensor, negative: Tensor) -> Tensor:
    """Unit vectors, float64 [layers, width], from paired rows [pairs, layers, width] of at least two pairs.

    Positive rows project higher than negative ones on average. A layer where the sets are the same gives zeros.
    """
    found = [_FITS[method](positive[:, layer].double(), negative[:, layer].double()) for layer in range(positive.shape[1])]
    norms = [vector.norm() for vector in found]
    return torch.stack([vector / norm if norm > NOTHING else vector * 0 for vector, norm in zip(found, norms, strict=True)])


def fitted(method: Method, positive: Floats, negative: Floats) -> Floats:
    """``fit`` for rows in memory, in float32."""
    found: Floats = fit(method, torch.from_numpy(positive), torch.from_numpy(negative)).numpy().astype(np.float32)
    return found


def mean_difference(positive: Moments, negative: Moments) -> Tensor:
    """Positive minus negative mean, [..., width]."""
    return positive.mean - negative.mean


def whitened(positive: Moments, negative: Moments) -> Tensor:
    """The linear discriminant with a diagonal covariance, [..., width]."""
    variance = (positive.squares + negative.squares) / (positive.n + negative.n - 2)
    floor = FLOOR * variance.mean(-1, keepdim=True)
    return mean_difference(positive, negative) / torch.maximum(variance, floor)


def discriminant(positive: Moments, negative: Moments) -> Tensor:
    """The linear discriminant with the pooled covariance, drawn halfway to its diagonal; [..., width].

    Raises ``ValueError`` for moments without products.
    """
    freedom = positive.n + negative.n - 2
    covariance = (positive.covariance * (positive.n - 1) + negative.covariance * (negative.n - 1)) / freedom
    variance = torch.diagonal(covariance, dim1=-2, dim2=-1)
    least = FLOOR * variance.mean(-1, keepdim=True)
    shrunk = (1 - SHRINK) * covariance + torch.diag_embed(SHRINK * variance + least)
    return torch.linalg.solve(shrunk, mean_difference(positive, negative))


def _logistic(positive: Tensor, negative: Tensor) -> Tensor:
    """Ridge-penalised logistic regression by Newton's method, in the space that the rows span (they are fewer than width)."""
    rows = torch.cat([positive, negative])
    rows = rows - rows.mean(0)
    rows = rows / rows.square().sum(1).mean().sqrt()
    left, size, right = torch.linalg.svd(rows, full_matrices=False)
    features = torch.cat([left * size, torch.ones(len(rows), 1, dtype=rows.dtype, device=rows.device)], 1)
    wanted = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))]).to(features)
    penalty = torch.full((features.shape[1],), PENALTY).to(features)
    penalty[-1] = FLOOR  # the offset is free
    weights = torch.zeros_like(penalty)
    for _ in range(STEPS):
        chance = torch.sigmoid(features @ weights)
        slope = features.T @ (chance - wanted) + penalty * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + torch.diag(penalty)
        step = torch.linalg.solve(curve, slope)
        weights = weights - step
        if step.norm() < 1e-8 * (1 + weights.norm()):
            break
    return right.T @ weights[:-1]


def _principal(positive: Tensor, negative: Tensor) -> Tensor:
    """What the paired differences share most: their first component around zero, turned towards their mean."""
    differences = positive - negative
    _, size, right = torch.linalg.svd(differences, full_matrices=False)
    return right[0] * size[0] * torch.where(differences.mean(0) @ right[0] < 0, -1.0, 1.0)


def _moments(fit: Callable[[Moments, Moments], Tensor], *, products: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda positive, negative: fit(Moments.of(positive, products=products), Moments.of(negative, products=products))


_FITS: dict[Method, Callable[[Tensor, Tensor], Tensor]] = {
    Method.MEAN: _moments(mean_difference),
    Method.WHITENED: _moments(whitened),
    Method.DISCRIMINANT: _moments(discriminant, products=True),
    Method.LOGISTIC: _logistic,
    Method.PRINCIPAL: _principal,
}
