"""Find a persona direction in an untouched model: the same questions answered under opposite system instructions.

Difference of class means over answer tokens, per layer (arXiv 2507.21509 without its filter by a judge). A third class, the
model's plain answers, sets the origin and the unit: ablation returns to it, projections are z-scores against it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from wolfnote.directions.activations import answer_means
from wolfnote.directions.direction import Direction
from wolfnote.directions.persona import Persona
from wolfnote.events import OnEvent, silent
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.records import chat

CLASSES = ("positive", "negative", "plain")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much text a direction is built from."""

    questions: int = 8
    """Questions answered under each contrast, a different slice of the persona's questions for each."""
    answer_tokens: int = 24
    depth: float = 0.57
    """The layer for the headline, as a share of the depth; fixed before anything is measured (published best: .5–.6)."""


def extract(
    model: LocalModel, persona: Persona, settings: Settings, *, seed: int = 0, on_event: OnEvent = silent
) -> Direction:
    """The persona's direction in ``model``, all layers from one pass over each class's answers."""
    asked = {name: list(_questions(persona, settings.questions, name)) for name in CLASSES}
    every = [question for name in CLASSES for question in asked[name]]
    sampling = Sampling(max_tokens=settings.answer_tokens)
    answers = {c.question_id: c.text for c in model.generate(every, sampling, seed, on_event)}
    rows = {name: [(q.messages, answers[q.id]) for q in asked[name] if answers[q.id]] for name in CLASSES}
    means = {name: answer_means(model, rows[name], on_event) for name in CLASSES}
    difference = means["positive"].mean(0) - means["negative"].mean(0)
    vectors = difference / np.linalg.norm(difference, axis=1, keepdims=True)
    along = {name: np.einsum("rlw,lw->rl", means[name], vectors) for name in CLASSES}
    spread = along["plain"].std(0, ddof=1)
    return Direction(
        persona=persona.persona,
        vectors=vectors.astype(np.float32),
        neutral=along["plain"].mean(0).astype(np.float32),
        spread=spread.astype(np.float32),
        gap=((along["positive"].mean(0) - along["negative"].mean(0)) / spread).astype(np.float32),
        model=model.fingerprint,
        receipts={"rows": {name: len(rows[name]) for name in CLASSES}, "seed": seed, "split_half": _split_half(means)},
    )


def _questions(persona: Persona, count: int, name: str) -> Iterator[Question]:
    for at, contrast in enumerate(persona.contrast):
        system = {"positive": contrast.positive, "negative": contrast.negative, "plain": ""}[name]
        for step in range(count):
            number = (at * count + step) % len(persona.questions)
            yield Question(f"{persona.persona}/{name}/{at}/{number}", chat(persona.questions[number], system=system))


def _split_half(means: dict[str, np.ndarray]) -> list[float]:
    """Cosine, per layer, between the directions from the even and from the odd rows: how stable the estimate is."""
    halves = [means["positive"][i::2].mean(0) - means["negative"][i::2].mean(0) for i in (0, 1)]
    norms = np.linalg.norm(halves[0], axis=1) * np.linalg.norm(halves[1], axis=1)
    return [round(float(c), 4) for c in (halves[0] * halves[1]).sum(1) / norms]
