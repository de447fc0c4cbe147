"""Find a direction: read both sides of a contrast in one pass, and fit what separates them, at every layer.

The default contrast is the persona's: the same words, said under opposite system instructions. Question and words are the
same on both sides, so what is left is what the character changes (compare arXiv 2507.21509, which lets the model answer anew
under each instruction and needs a judge to filter; on a small model those answers differ in everything). Its plain answers
also set the origin and the unit: ablation returns to them, projections are z-scores against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from wolfnote.directions import contrasts, methods, stability
from wolfnote.directions.activations import Position, Row, gather
from wolfnote.directions.contrasts import QUESTIONS, Contrast
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.methods import Method
from wolfnote.directions.persona import Persona
from wolfnote.errors import InputError, Mismatch
from wolfnote.events import OnEvent, silent
from wolfnote.models.fingerprint import weights_of
from wolfnote.models.local import LocalModel
from wolfnote.models.store import Store
from wolfnote.settings import Count, Share

ELSEWHERE = "give texts whose two sides differ, or read another position"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much text a direction is built from, and how it is found."""

    questions: Count = 24
    """Questions of the persona that are answered; each is read behind every contrast."""
    answer_tokens: Count = 24
    depth: Share = 0.57
    """The layer for the headline, as a share of the depth; fixed before anything is measured (published best: .5 to .6)."""
    method: Method = Method.MEAN
    """mean difference (to steer and ablate with), whitened, discriminant, logistic (to read with) or principal component."""
    position: Position = Position.ANSWER
    """Where a row is read: mean over answer tokens, last prompt token, first answer token or last answer token."""


@dataclass(frozen=True, eq=False)
class Sides:
    """Block outputs of a contrast at one position: pairs [pairs, layers, width] and plain answers [rows, layers, width]."""

    positive: Floats
    negative: Floats
    plain: Floats


def extract(
    model: LocalModel,
    persona: Persona,
    settings: Settings,
    *,
    seed: int = 0,
    store: Store | None = None,
    on_event: OnEvent = silent,
) -> Direction:
    """The persona's direction in ``model``, all layers from one pass. Raises ``RunError`` when the model says nothing.

    ``store``: where the model's answers are kept and looked for.
    """
    contrast = contrasts.of_persona(
        model,
        persona,
        questions=settings.questions,
        answer_tokens=settings.answer_tokens,
        seed=seed,
        store=store,
        on_event=on_event,
    )
    return from_contrast(model, contrast, (settings.method,), (settings.position,), seed=seed, on_event=on_event)[0]


def from_contrast(
    model: LocalModel,
    contrast: Contrast,
    how: Sequence[Method] = (Method.MEAN,),
    positions: Sequence[Position] = (Position.ANSWER,),
    *,
    seed: int = 0,
    on_event: OnEvent = silent,
) -> list[Direction]:
    """A direction for each position and method, position by position, all from one pass over the contrast's rows.

    Raises ``InputError`` where the two sides are alike: answers to one question differ only behind its last token.
    """
    if Position.PROMPT_END in positions and all(
        p == n for (p, _), (n, _) in zip(contrast.positive, contrast.negative, strict=True)
    ):
        raise InputError("the two sides have the same prompts", where=contrast.persona, remedy=ELSEWHERE)
    every = (contrast.positive, contrast.negative, contrast.plain)
    place = {row: i for i, row in enumerate(dict.fromkeys(row for side in every for row in side))}  # good answers stand twice
    found = gather(model, list(place), on_event, positions=positions)
    sides = [Sides(*(at[[place[row] for row in side]] for side in every)) for at in found]
    return _directions(model, contrast, sides, how, positions, seed)


def from_tune(
    base: LocalModel,
    tuned: LocalModel,
    rows: Sequence[Row],
    name: str,
    how: Sequence[Method] = (Method.MEAN,),
    positions: Sequence[Position] = (Position.ANSWER,),
    *,
    seed: int = 0,
    on_event: OnEvent = silent,
) -> list[Direction]:
    """What a tune changed on the same text, whatever it is: tuned against base, the base's own being the plain answers.

    An adapter's base costs no second copy. The directions belong to the base; layers below the first that the adapter changes
    get zero vectors (``nothing_at`` in the receipts), which project to 0 and steer nowhere. Raises ``Mismatch`` for a tune of
    other weights, ``InputError`` for fewer than four rows or a tune that changes nothing.
    """
    if weights_of(base.fingerprint) != weights_of(tuned.fingerprint):
        raise Mismatch(f"{tuned.spec} is not a tune of {base.spec} by an adapter: their streams have no common axes")
    if len(rows) < 4:
        raise InputError(f"{len(rows)} rows to compare on", where=name, remedy="give at least four, better two hundred")
    after, before = (gather(model, rows, on_event, positions=positions) for model in (tuned, base))
    receipts = {"contrast": "tuned against base", "tuned": tuned.fingerprint}
    contrast = Contrast(name, rows, rows, rows, {QUESTIONS: range(len(rows))}, receipts)
    sides = [Sides(a, b, b) for a, b in zip(after, before, strict=True)]
    return _directions(base, contrast, sides, how, positions, seed)


def _directions(
    model: LocalModel,
    contrast: Contrast,
    sides: Sequence[Sides],
    how: Sequence[Method],
    positions: Sequence[Position],
    seed: int,
) -> list[Direction]:
    return [
        _direction(model, contrast, side, method, position, seed)
        for side, position in zip(sides, positions, strict=True)
        for method in how
    ]


def _direction(model: LocalModel, contrast: Contrast, sides: Sides, method: Method, position: Position, seed: int) -> Direction:
    positive, negative, plain = sides.positive, sides.negative, sides.plain
    vectors = methods.fitted(method, positive, negative)
    if not vectors.any():
        raise InputError("the two sides are alike", where=contrast.persona, remedy=ELSEWHERE)
    along = np.einsum("rlw,lw->rl", plain, vectors)
    nothing = ~vectors.any(1)
    neutral, spread = along.mean(0), np.where(nothing, 1.0, along.std(0, ddof=1)).astype(np.float32)
    differences = positive - negative
    return Direction(
        persona=contrast.persona,
        vectors=vectors,
        neutral=neutral,
        spread=spread,
        gap=np.einsum("rlw,lw->rl", differences, vectors).mean(0) / spread,
        norm=np.median(np.linalg.norm(plain, axis=2), axis=0),
        model=model.fingerprint,
        position=position.value,
        receipts={
            **contrast.receipts,
            **{unit: len(set(members)) for unit, members in contrast.units.items()},
            "pairs": len(positive),
            "method": method.value,
            "seed": seed,
            "template": model.template,
            "precision": model.network.precision,
            "nothing_at": np.flatnonzero(nothing).tolist(),
            **stability.halves(method, positive, negative, contrast.units),
            **stability.permutation(differences, seed, contrast.units),
            **stability.classes(positive, negative, vectors, neutral, spread),
        },
    )
