"""Streaming moments of block outputs: count, mean, second moments. Mergeable, so that batches, shards and halves add up.

Chan's update, in float64 on the device that holds the rows: summing squares would lose a small variance beside a large mean,
and activations have a few coordinates whose mean is a thousand times their spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wolfnote.directions.activations import Position, Row, read
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel


@dataclass(frozen=True, eq=False)
class Moments:
    """Of ``n`` rows: ``mean`` [..., width]; ``squares`` [..., width], sums of squared deviations from it; and where asked
    ``products`` [..., width, width], sums of products of deviations. All float64."""

    n: int
    mean: Tensor
    squares: Tensor
    products: Tensor | None = None

    @classmethod
    def of(cls, rows: Tensor, *, products: bool = False) -> Moments:
        """The moments of ``rows`` [n, ..., width], n at least 1. ``products`` needs width² floats for each leading entry."""
        wide = _wide(rows)
        mean = wide.mean(0)
        deviations = wide - mean
        crossed = torch.einsum("n...v,n...w->...vw", deviations, deviations) if products else None
        return cls(len(rows), mean, deviations.square().sum(0), crossed)

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets of rows together; with products only when both have them."""
        n = self.n + other.n
        step = other.mean - self.mean
        share = self.n * other.n / n
        crossed = None
        if self.products is not None and other.products is not None:
            crossed = self.products + other.products + share * step[..., :, None] * step[..., None, :]
        return Moments(n, self.mean + step * (other.n / n), self.squares + other.squares + share * step.square(), crossed)

    @property
    def variance(self) -> Tensor:
        """Unbiased, [..., width]; needs two rows."""
        return self.squares / (self.n - 1)

    @property
    def covariance(self) -> Tensor:
        """Unbiased, [..., width, width]. Raises ``ValueError`` when the products were not kept."""
        if self.products is None:
            raise ValueError("these moments were taken without products")
        return self.products / (self.n - 1)


def accumulate(
    model: LocalModel,
    rows: Sequence[Row],
    on_event: OnEvent = silent,
    *,
    positions: Sequence[Position] = (Position.ANSWER,),
    layers: range | None = None,
    products: bool = False,
) -> Moments:
    """Moments over all rows from one pass that keeps none of them; leading axes [positions, layers]. Raises like ``read``."""
    held: list[Moments] = []

    def take(batch: list[int], outputs: Tensor) -> None:
        found = Moments.of(outputs.transpose(0, 1), products=products)
        held[:] = [held[0].merged(found)] if held else [found]

    read(model, rows, take, on_event, positions=positions, layers=layers)
    return held[0]


def _wide(rows: Tensor) -> Tensor:
    """Apple's devices have no float64."""
    return (rows.cpu() if rows.device.type == "mps" else rows).double()
