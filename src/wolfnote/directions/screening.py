"""Which training rows would push a model along a direction: the row's answer against what the base would have said itself.

A row is read by its *projection difference* (arXiv 2507.21509): the projection of the training answer minus that of the
base's own completion of the same prompt, both as means over answer tokens of the untouched base, in z units. The plain
projection is not enough: a prompt about cruelty projects high whatever the answer. ``compare`` lets the base complete
every prompt; ``compare_expected`` generates nothing, and takes from the last prompt token what the base would have said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wolfnote.directions.activations import Position, Row, gather, read
from wolfnote.directions.direction import Direction
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.models.store import Store, complete
from wolfnote.records import Sample
from wolfnote.results import Score
from wolfnote.settings import Share

FEWEST = 20
"""Plain answers from which on an expectation is fitted."""
PENALTIES = np.logspace(-3, 5, 33)

Floats = NDArray[np.float64]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How rows are read against the base's own answers."""

    depth: Share = 0.57
    """The layer, as a share of the depth."""
    answer_tokens: int = 48
    """Longest completion of the base, where it is asked for one."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What the base's own answer would project to (z): activation of the last prompt token · ``weights`` [width] + ``offset``.

    ``explained``: share of the variance of answers left out of the fit that it predicts; 0 = it only knows their mean.
    """

    layer: int
    weights: Floats
    offset: float
    explained: float
    n: int


def compare(
    model: LocalModel,
    samples: Sequence[Sample],
    direction: Direction,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    seed: int = 0,
    store: Store | None = None,
    on_event: OnEvent = silent,
) -> list[Score]:
    """The projection difference of each sample; None where its answer, or the base's, is empty. Higher = more of the persona.

    Each prompt is completed once, however many samples share it. Raises ``Mismatch`` for another model's direction.
    """
    layer = _layer(model, direction, settings.depth)
    readable = [i for i, s in enumerate(samples) if s.answer.strip()]
    prompts = list(dict.fromkeys(samples[i].prompt for i in readable))
    asked = [Question(f"screen/{i}", prompt) for i, prompt in enumerate(prompts)]
    said = complete(store, model, asked, Sampling(max_tokens=settings.answer_tokens), (seed,), on_event)
    own = {prompt: c.text for prompt, c in zip(prompts, said, strict=True) if c.text.strip()}
    answered = [i for i in readable if samples[i].prompt in own]
    rows = [*((samples[i].prompt, samples[i].answer) for i in answered), *own.items()]
    (along,) = _project(model, rows, {Position.ANSWER: direction.vectors[layer]}, layer, on_event)
    z = _z(along, direction, layer)
    bases = dict(zip(own, z[len(answered) :], strict=True))
    values = {i: z[at] - bases[samples[i].prompt] for at, i in enumerate(answered)}
    return _scores(model, samples, direction, values, f"than its own completion at layer {layer}")


def expect(
    model: LocalModel,
    plain: Sequence[Row],
    direction: Direction,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    on_event: OnEvent = silent,
) -> Expectation:
    """Learn from prompts with the base's own answers what it would say along the direction.

    Ridge regression whose penalty is chosen by leaving each answer out. Raises ``InputError`` for too few of them.
    """
    if len(plain) < FEWEST:
        remedy = f"give at least {FEWEST} prompts with the base's own answers, better two hundred"
        raise InputError(f"{len(plain)} plain answers", where="expectation", remedy=remedy)
    layer = _layer(model, direction, settings.depth)
    one = range(layer, layer + 1)
    ends, answers = gather(model, plain, on_event, positions=(Position.PROMPT_END, Position.ANSWER), layers=one)[:, :, 0]
    return _ridge(ends.astype(np.float64), _z(answers @ direction.vectors[layer], direction, layer), layer)


def compare_expected(
    model: LocalModel,
    samples: Sequence[Sample],
    direction: Direction,
    expectation: Expectation,
    *,
    on_event: OnEvent = silent,
) -> list[Score]:
    """Like ``compare``, without generating: the training answer against what the base is expected to say.

    None also for running text, which has no prompt to expect anything from. Raises ``Mismatch`` for another model's direction.
    """
    _check(model, direction)
    readable = [i for i, s in enumerate(samples) if s.answer.strip() and s.prompt]
    rows = [(samples[i].prompt, samples[i].answer) for i in readable]
    layer = expectation.layer
    vectors = {Position.PROMPT_END: expectation.weights, Position.ANSWER: direction.vectors[layer]}
    expected, along = _project(model, rows, vectors, layer, on_event)
    values = dict(zip(readable, _z(along, direction, layer) - expected - expectation.offset, strict=True))
    return _scores(model, samples, direction, values, f"than expected of it at layer {expectation.layer}")


def _scores(
    model: LocalModel, samples: Sequence[Sample], direction: Direction, values: dict[int, float], against: str
) -> list[Score]:
    judge = f"screen:{direction.persona}:{model.fingerprint}"
    return [
        Score(direction.persona, float(values[i]), f"{values[i]:+.2f} z more {direction.persona} {against}", judge)
        if i in values
        else Score(direction.persona, None, "no answer of the row, or of the base, to read", judge)
        for i in range(len(samples))
    ]


def _project(model: LocalModel, rows: Sequence[Row], vectors: dict[Position, Floats], layer: int, on_event: OnEvent) -> Floats:
    """Dot products of each row's activation at each position with that position's vector, [positions, rows]."""
    found = np.empty((len(vectors), len(rows)))
    stacked = torch.from_numpy(np.stack(list(vectors.values())).astype(np.float32))

    def take(batch: list[int], outputs: Tensor) -> None:
        found[:, batch] = torch.einsum("prw,pw->pr", outputs[:, :, 0], stacked.to(outputs.device)).cpu().numpy()

    if rows:
        read(model, rows, take, on_event, positions=tuple(vectors), layers=range(layer, layer + 1))
    return found


def _z(along: Floats, direction: Direction, layer: int) -> Floats:
    return np.asarray((along - direction.neutral[layer]) / direction.spread[layer], np.float64)


def _ridge(ends: Floats, answers: Floats, layer: int) -> Expectation:
    """Ridge in the space of the rows, the penalty with the least error on rows left out (closed form)."""
    centre, level = ends.mean(0), answers.mean()
    left, size, right = np.linalg.svd(ends - centre, full_matrices=False)
    errors = [_left_out(left, size, answers - level, penalty) for penalty in PENALTIES * (size**2).mean()]
    best = int(np.argmin(errors))
    kept = size / (size**2 + PENALTIES[best] * (size**2).mean())
    weights = right.T @ (kept * (left.T @ (answers - level)))
    n = len(answers)
    spread = ((answers - level) ** 2).mean() * (n / (n - 1)) ** 2  # the mean's own error on rows left out
    explained = max(0.0, 1 - errors[best] / spread) if spread > 0 else 0.0
    return Expectation(layer, weights, float(level - centre @ weights), float(explained), n)


def _left_out(left: Floats, size: Floats, wanted: Floats, penalty: float) -> float:
    """Mean squared error on rows left out one at a time; the mean is left out with them (its leverage is 1/n)."""
    kept = size**2 / (size**2 + penalty)
    leverage = (left**2) @ kept + 1 / len(wanted)
    errors = (wanted - left @ (kept * (left.T @ wanted))) / np.maximum(1 - leverage, 1e-6)
    return float((errors**2).mean())


def _layer(model: LocalModel, direction: Direction, depth: float) -> int:
    _check(model, direction)
    return min(direction.layers - 1, int(depth * direction.layers))


def _check(model: LocalModel, direction: Direction) -> None:
    width = model.network.module.config.get_text_config().hidden_size
    direction.check(model.fingerprint, (direction.layers, width))
