"""What the guard does to the activations of a model in training, so that its weights need not learn the persona, or cannot.

*prevent* adds the persona to the answers: what the data ask for is then there already, and the gradient towards it fades
(preventative steering, arXiv 2507.21509). *ablate* takes it out in the forward and the backward pass: nothing can be learnt
along it (concept ablation fine-tuning, arXiv 2507.16795). *penalty* leaves the activations as they are and adds to the loss
``weight`` · max(0, z̄)², z̄ being the answers' mean z beyond the base's own plain answers, as its gradient. All three are gone
when the training ends.

They act on answer tokens and on those that predict one, attention sinks excepted, and compute in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from wolfnote.directions import ablation, steering
from wolfnote.directions.direction import Direction
from wolfnote.directions.intervention import SINK, Beside
from wolfnote.tuning.guard.tokens import Tokens


class Edit(Protocol):
    """A change of block outputs."""

    @property
    def layers(self) -> Sequence[int]:
        """Where it acts."""
        ...

    def __call__(self, layer: int, hidden: Tensor, tokens: Tokens) -> Tensor:
        """What is put in the place of ``hidden`` [rows, tokens, width], in its type."""
        ...


class Prevent:
    """h ← h + dose · norm · v̂, shared out over the blocks that ``directions.steer`` pushes."""

    def __init__(self, direction: Direction, dose: float) -> None:
        self.layers = steering.pushed(direction)
        self._dose = dose / len(self.layers)
        self._rows = Beside(vectors=direction.vectors, norm=direction.norm)

    def __call__(self, layer: int, hidden: Tensor, tokens: Tokens) -> Tensor:
        """Pushed along the persona."""
        wide = _wide(hidden)
        push = self._dose * self._rows("norm", layer, wide) * self._rows("vectors", layer, wide)
        return _where(_words(wide, tokens.taught, self._rows, layer), wide + push, hidden)


class Ablate:
    """h ← h − ((h − μ)·v̂) v̂ at the blocks that ``directions.ablate`` takes."""

    def __init__(self, direction: Direction) -> None:
        self.layers = ablation.layers(direction)
        axes, centres = ablation.span([direction])
        self._rows = Beside(axes=axes, centres=centres, norm=direction.norm)

    def __call__(self, layer: int, hidden: Tensor, tokens: Tokens) -> Tensor:
        """Without its part along the persona."""
        wide = _wide(hidden)
        basis = self._rows("axes", layer, wide)
        along = wide @ basis.T - self._rows("centres", layer, wide)
        return _where(_words(wide, tokens.taught, self._rows, layer), wide - along @ basis, hidden)


class Penalty:
    """The gradient of ``weight`` · mean over layers of max(0, z̄)²; ``passes`` make an optimiser step."""

    def __init__(self, direction: Direction, weight: float, passes: int = 1) -> None:
        self.layers = steering.pushed(direction)
        self._weight = weight / passes / len(self.layers)
        self._rows = Beside(vectors=direction.vectors, neutral=direction.neutral, spread=direction.spread, norm=direction.norm)

    def __call__(self, layer: int, hidden: Tensor, tokens: Tokens) -> Tensor:
        """Itself; its gradient is another."""
        with torch.no_grad():
            wide = _wide(hidden)
            spread, words = self._rows("spread", layer, wide), _words(wide, tokens.said, self._rows, layer)
            count = words.sum().clamp(min=1)
            along = (wide @ self._rows("vectors", layer, wide) - self._rows("neutral", layer, wide)) * words
            z = along.sum() / count / spread
            slope = 2 * self._weight * z.clamp(min=0) / (count * spread)
        pulled: Tensor = _Pulled.apply(hidden, words * slope, self._rows("vectors", layer, wide))
        return pulled


class _Pulled(torch.autograd.Function):  # type: ignore[misc]  # torch is not followed
    """The identity, whose gradient gets ``slope`` [rows, tokens] times ``vector`` [width] on top."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, slope: Tensor, vector: Tensor) -> Tensor:
        """``hidden`` itself."""
        ctx.save_for_backward(slope, vector)
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient and the pull."""
        slope, vector = ctx.saved_tensors
        return gradient + (slope[..., None] * vector).to(gradient.dtype), None, None


def _wide(hidden: Tensor) -> Tensor:
    return hidden.to(torch.promote_types(hidden.dtype, torch.float32))


def _words(wide: Tensor, tokens: Tensor, rows: Beside, layer: int) -> Tensor:
    """The tokens that are no attention sinks."""
    return tokens & (wide.norm(dim=-1) <= SINK * rows("norm", layer, wide))


def _where(words: Tensor, changed: Tensor, hidden: Tensor) -> Tensor:
    return torch.where(words[..., None], changed.to(hidden.dtype), hidden)
