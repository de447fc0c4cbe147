"""Push a running model along a direction, or away from it, or hold it between two z-scores.

h ← h + dose · norm · v̂ at a few neighbouring blocks, norm being the median length of a plain answer's activations there: a
dose is relative, because lengths differ a hundredfold between models and layers (c‖v‖/‖h‖; published doses work near 0.7 and
collapse near 1.9). The dose is shared out over the blocks. Attention sinks are left alone, as in ``ablation``.

A push beyond a threshold only, or a range instead of a push, costs less ability than the same dose on every token (arXiv
2604.08169). Their z-scores are a token's projection in the spread of whole plain answers, so a single token lies further out.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from wolfnote.directions import ablation, intervention
from wolfnote.directions.direction import Direction
from wolfnote.directions.intervention import Beside, intervene
from wolfnote.directions.passes import Positions, Tokens, known
from wolfnote.errors import InputError, RunError
from wolfnote.models.local import LocalModel

DEPTH, WIDTH = 0.5, 0.1
"""Where it pushes unless told, as shares of the depth: around the middle, over a tenth of the blocks."""


@contextmanager
def steer(
    model: LocalModel,
    direction: Direction,
    dose: float | Sequence[float],
    *,
    layers: Sequence[int] | None = None,
    positions: Positions = "all",
    above: float | None = None,
) -> Iterator[LocalModel]:
    """The model pushed by ``dose`` along the direction inside the ``with``; below zero, away from the persona.

    ``dose`` may be one number a question: of ``generate``'s questions, or ``log_likelihood``'s prompts, in their order. Passes
    that name no questions (direct use of the module) then raise ``RunError``. ``above``: only tokens whose z-score at the block
    exceeds it are pushed. The fingerprint says so; gone after an exception too. Safe under autograd and gradient checkpointing.
    Raises ``Mismatch`` for another model's direction, ``InputError`` for blocks or positions that do not exist.
    """
    intervention.check(model, direction)
    known(positions)
    wanted = intervention.chosen(layers, pushed(direction), direction.layers)
    doses = _Doses(dose)
    rows = Beside(vectors=direction.vectors, norm=direction.norm, neutral=direction.neutral, spread=direction.spread)

    def change(layer: int, hidden: Tensor, tokens: Tokens) -> Tensor:
        share = doses.of(tokens, hidden) / len(wanted)
        push = share * rows("norm", layer, hidden) * rows("vectors", layer, hidden)
        return push if above is None else push * (_z(rows, layer, hidden) > above)[..., None]

    label = f"steer:{intervention.digest(direction)}:{doses.label}:{intervention.spelled(wanted)}"
    label += (f":{positions}" if positions != "all" else "") + (f":>{above:g}" if above is not None else "")
    audience = model.network.audience
    audience.apart += doses.several
    try:
        with intervene(model, label, wanted, direction.norm, change, positions):
            yield model
    finally:
        audience.apart -= doses.several


@contextmanager
def clamp(
    model: LocalModel,
    direction: Direction,
    low: float,
    high: float,
    *,
    layers: Sequence[int] | None = None,
    positions: Positions = "all",
) -> Iterator[LocalModel]:
    """The model whose tokens stay between two z-scores along the direction, at the blocks that ``ablate`` takes.

    Only what lies outside is moved, to the nearer end; ``clamp(model, direction, 0, 0)`` is ``ablate``. Raises as ``steer``.
    """
    intervention.check(model, direction)
    known(positions)
    if not low <= high:
        raise InputError(f"an empty range, {low:g} to {high:g}", where="clamp", remedy="give the lower z-score first")
    wanted = intervention.chosen(layers, ablation.layers(direction), direction.layers)
    rows = Beside(vectors=direction.vectors, neutral=direction.neutral, spread=direction.spread)

    def change(layer: int, hidden: Tensor, _: Tokens) -> Tensor:
        z = _z(rows, layer, hidden)
        moved = (z.clamp(low, high) - z) * rows("spread", layer, hidden)
        return moved[..., None] * rows("vectors", layer, hidden)

    label = f"clamp:{intervention.digest(direction)}:{low:g}..{high:g}:{intervention.spelled(wanted)}"
    label += f":{positions}" if positions != "all" else ""
    with intervene(model, label, wanted, direction.norm, change, positions):
        yield model


def pushed(direction: Direction) -> range:
    """The blocks that are pushed: those that its receipts say were chosen (``causes``), else the middle ones."""
    blocks = direction.receipts.get("causes", {}).get("blocks")
    return range(int(blocks[0]), int(blocks[1]) + 1) if blocks else band(direction.layers)


def band(count: int, depth: float = DEPTH) -> range:
    """Neighbouring blocks, of ``count``, around a share of the depth."""
    first = min(count - 1, max(0, int((depth - WIDTH / 2) * count)))
    return range(first, max(first + 1, min(count, round((depth + WIDTH / 2) * count))))


def _z(rows: Beside, layer: int, hidden: Tensor) -> Tensor:
    """z-scores [rows, tokens]."""
    along = hidden @ rows("vectors", layer, hidden)
    z: Tensor = (along - rows("neutral", layer, hidden)) / rows("spread", layer, hidden)
    return z


class _Doses:
    """One dose, or one a question."""

    def __init__(self, dose: float | Sequence[float]) -> None:
        self.several = isinstance(dose, Sequence)
        self.doses = [float(d) for d in dose] if isinstance(dose, Sequence) else [float(dose)]
        if not all(map(math.isfinite, self.doses)):
            raise InputError(f"not a finite dose: {dose}", where="dose", remedy="published doses work near 0.7")
        content = hashlib.sha256(repr(self.doses).encode()).hexdigest()[:8]
        # by place in a call, so no two ``with`` blocks may share stored answers
        self.label = f"each-{content}-{uuid.uuid4().hex[:8]}" if self.several else f"{self.doses[0]:g}"

    def of(self, tokens: Tokens, hidden: Tensor) -> Tensor | float:
        """The dose, or [rows, 1, 1] of them. Raises ``RunError`` unless the pass names as many questions as there are doses."""
        if not self.several:
            return self.doses[0]
        if tokens.reading is None:
            raise RunError("one dose a question needs generate or log_likelihood: this pass names no questions")
        asked = tokens.reading.call.questions
        if asked != len(self.doses):
            raise RunError(f"{len(self.doses)} doses for {asked} questions: give one for each")
        return torch.tensor([self.doses[s.question] for s in tokens.reading.spans], device=hidden.device)[:, None, None]
