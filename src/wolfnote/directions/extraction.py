"""Find a persona direction in an untouched model: the same words, said under opposite system instructions.

The model answers the persona's questions plainly, once. Then each answer is read again behind every positive and every
negative instruction, and the direction is the mean of the paired differences over answer tokens, per layer. Question and
words are the same on both sides, so what is left is what the character changes (compare arXiv 2507.21509, which lets the
model answer anew under each instruction and needs a judge to filter; on a small model those answers differ in everything).
The plain answers also set the origin and the unit: ablation returns to them, projections are z-scores against them.
"""

from __future__ import annotations

import msgspec
import numpy as np

from wolfnote.directions.activations import answer_means
from wolfnote.directions.direction import Direction, Floats
from wolfnote.directions.persona import Persona
from wolfnote.errors import RunError
from wolfnote.events import OnEvent, silent
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.records import chat

SHUFFLINGS = 200


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much text a direction is built from."""

    questions: int = 24
    """Questions of the persona that are answered; each is read behind every contrast."""
    answer_tokens: int = 24
    depth: float = 0.57
    """The layer for the headline, as a share of the depth; fixed before anything is measured (published best: .5 to .6)."""


def extract(model: LocalModel, persona: Persona, settings: Settings, *, seed: int = 0, on_event: OnEvent = silent) -> Direction:
    """The persona's direction in ``model``, all layers from one pass. Raises ``RunError`` when the model says nothing."""
    asked = [Question(f"{persona.persona}/{i}", chat(q)) for i, q in enumerate(persona.questions[: settings.questions])]
    said = [c.text for c in model.generate(asked, Sampling(max_tokens=settings.answer_tokens), (seed,), on_event)]
    spoken = [(q.messages[-1].content, text) for q, text in zip(asked, said, strict=True) if text]
    if len(spoken) < 2:
        raise RunError(f"{model.spec} answered {len(spoken)} of {len(asked)} questions: too few to find a direction")
    differences = np.concatenate([_difference(model, spoken, c.positive, c.negative, on_event) for c in persona.contrast])
    plain = answer_means(model, [(chat(q), text) for q, text in spoken], on_event)
    mean = differences.mean(0)
    vectors = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    along = np.einsum("rlw,lw->rl", plain, vectors)
    spread = along.std(0, ddof=1)
    return Direction(
        persona=persona.persona,
        vectors=vectors.astype(np.float32),
        neutral=along.mean(0),
        spread=spread,
        gap=np.einsum("rlw,lw->rl", differences, vectors).mean(0) / spread,
        norm=np.median(np.linalg.norm(plain, axis=2), axis=0),
        model=model.fingerprint,
        receipts={
            "questions": len(spoken),
            "contrasts": len(persona.contrast),
            "seed": seed,
            **_split_half(differences, len(spoken)),
            **_permutation(differences, seed),
        },
    )


def _difference(model: LocalModel, spoken: list[tuple[str, str]], positive: str, negative: str, on_event: OnEvent) -> Floats:
    """Positive minus negative answer means [answers, layers, width]."""
    sides = [answer_means(model, [(chat(q, system=s), text) for q, text in spoken], on_event) for s in (positive, negative)]
    return sides[0] - sides[1]


def _split_half(differences: Floats, questions: int) -> dict[str, list[float]]:
    """Cosine, per layer, between directions from two halves: of the questions, and of the contrasts (the harder test)."""
    question = np.arange(len(differences)) % questions
    contrast = np.arange(len(differences)) // questions
    halves = {"split_half_questions": question % 2 == 0, "split_half_contrasts": contrast % 2 == 0}
    return {
        name: _cosine(differences[half].mean(0), differences[~half].mean(0))
        for name, half in halves.items()
        if 0 < half.sum() < len(half)
    }


def _permutation(differences: Floats, seed: int) -> dict[str, list[float]]:
    """Per layer, the share of label shufflings (signs of the paired differences flipped at random) whose mean difference is as
    long as the real one: near 1 where nothing was found, 1 / (shufflings + 1) at best."""
    flips = np.random.default_rng(seed).choice([-1.0, 1.0], (SHUFFLINGS, len(differences))).astype(np.float32)
    shuffled = np.linalg.norm(np.einsum("sr,rlw->slw", flips, differences, optimize=True), axis=2)
    real = np.linalg.norm(differences.sum(0), axis=1)
    return {"permutation_p": [round(float(p), 4) for p in (1 + (shuffled >= real).sum(0)) / (1 + SHUFFLINGS)]}


def _cosine(a: Floats, b: Floats) -> list[float]:
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return [round(float(c), 4) for c in (a * b).sum(1) / norms]
