"""Watch the persona while the model speaks: the z-score of each token along a direction, at one block.

Scores stay on the device until they are asked for, then all are copied at once: a copy a token would cost more than the dot
product. What is read is what stands at the block's output, interventions included that were entered before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from wolfnote.directions import intervention, passes
from wolfnote.directions.activations import hooked
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.intervention import Beside
from wolfnote.directions.passes import Tokens
from wolfnote.models.local import LocalModel
from wolfnote.models.local.forward import Span

SMOOTHING = 0.2


class Trace(NamedTuple):
    """z-scores of an answer's tokens, float32 [tokens read]; whose they are, by number in the call, and which call it was.

    The last token of a generated answer is drawn and never read, so it has none.
    """

    call: int
    question: int
    answer: int
    z: Floats

    def smoothed(self, weight: float = SMOOTHING) -> Floats:
        """The exponentially weighted mean up to each token; ``weight`` is the newest one's."""
        found = np.array(self.z, np.float64)
        for i in range(1, len(found)):
            found[i] = weight * found[i] + (1 - weight) * found[i - 1]
        return found.astype(np.float32)

    def alarm(self, threshold: float, weight: float = SMOOTHING) -> int | None:
        """The first token at which the smoothed score exceeds ``threshold``, or None."""
        over = np.flatnonzero(self.smoothed(weight) > threshold)
        return int(over[0]) if len(over) else None


class _Piece(NamedTuple):
    """What one pass gave: z [rows, tokens] on the device, which of them count, and whose they are."""

    z: Tensor
    said: Tensor
    spans: tuple[Span, ...]
    call: Any


class Watch:
    """What was heard so far."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    def add(self, z: Tensor, tokens: Tokens) -> None:
        """Keep one pass's scores where they are, on the device, unless all of it is prompt."""
        reading = tokens.reading
        if reading is not None and any(span.start < z.shape[1] for span in reading.spans):
            self._pieces.append(_Piece(z, tokens.real & tokens.said, tuple(reading.spans), reading.call))

    def traces(self) -> list[Trace]:
        """One trace an answer, in the order of the calls and of what each returned; answers of one token have none to show.

        One copy from the device, whatever the number of tokens.
        """
        if not self._pieces:
            return []
        flat = torch.stack([torch.cat([getattr(p, key).reshape(-1).float() for p in self._pieces]) for key in ("z", "said")])
        z, said = flat.cpu().numpy()
        calls = {id(call): i for i, call in enumerate(dict.fromkeys(p.call for p in self._pieces))}
        found: dict[tuple[int, int, int], list[Floats]] = {}
        at = 0
        for piece in self._pieces:
            for span in piece.spans:
                here = slice(at, at + piece.z.shape[1])
                at = here.stop
                key = calls[id(piece.call)], span.question, span.answer
                found.setdefault(key, []).append(z[here][said[here] > 0])
        return [Trace(*key, z=np.concatenate(found[key])) for key in sorted(found)]


@contextmanager
def monitor(model: LocalModel, direction: Direction, layer: int) -> Iterator[Watch]:
    """Watch every answer that ``model.generate`` draws, or ``model.log_likelihood`` reads, inside the ``with``.

    Raises ``Mismatch`` for another model's direction, ``InputError`` for a block that does not exist, and ``RunError`` from
    inside the first pass in which the block is bypassed: a watch that hears nothing must not look like a quiet model.
    """
    intervention.check(model, direction)
    intervention.chosen([layer], range(0), direction.layers)
    rows = Beside(vectors=direction.vectors, neutral=direction.neutral, spread=direction.spread)
    watch = Watch()
    with passes.followed(model, [layer]) as followed:

        def read(at: int, hidden: Tensor) -> None:
            if at != layer:
                return
            wide = hidden.detach().to(torch.promote_types(hidden.dtype, torch.float32))
            along = wide @ rows("vectors", layer, wide)
            watch.add((along - rows("neutral", layer, wide)) / rows("spread", layer, wide), followed.tokens(layer, hidden))

        with hooked(model.network.module, read):
            yield watch
