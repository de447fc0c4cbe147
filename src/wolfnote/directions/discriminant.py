"""A reader of answers: a linear discriminant on what one untouched model makes of them. No generation, no judge, no key.

Fitted to pairs of a good and a bad answer to the same question, over the middle layers; a score is the mean over layers, 0
midway between good and bad, in units of their spread. The covariance is drawn halfway towards its diagonal: some hundreds of
answers do not determine 576 × 576 numbers. Source: persona vectors, arXiv 2507.21509.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wolfnote.directions.activations import answer_means
from wolfnote.directions.blocks import blocks
from wolfnote.events import OnEvent, silent
from wolfnote.models.local import LocalModel
from wolfnote.records import chat

SHRINK = 0.5
LONGEST = 4_000
"""Characters of question and answer that are read; more is not."""
Floats = NDArray[np.float64]


class Discriminant:
    """Weights a layer [layers, width] and offsets. Make one with ``fit``; it has ``score``, as ``judges.direction`` wants."""

    def __init__(self, model: LocalModel, first: int, weights: Floats, offsets: Floats) -> None:
        self._model, self._first = model, first
        self._weights, self._offsets = weights, offsets

    @property
    def fingerprint(self) -> str:
        """Hash of the weights found and of the model that reads."""
        found = hashlib.sha256(self._weights.tobytes() + self._model.fingerprint.encode())
        return found.hexdigest()[:16]

    def score(self, pairs: Sequence[tuple[str, str]], on_event: OnEvent = silent) -> list[float | None]:
        """One number for each (question, answer), higher = more like the bad ones; None for an empty or endless pair."""
        fit_for = [i for i, (q, a) in enumerate(pairs) if a.strip() and len(q) + len(a) <= LONGEST]
        found: list[float | None] = [None] * len(pairs)
        if fit_for:
            means = _read(self._model, [pairs[i] for i in fit_for], self._first, len(self._weights), on_event)
            values = (np.einsum("rlw,lw->rl", means, self._weights) - self._offsets).mean(1)
            for i, value in zip(fit_for, values, strict=True):
                found[i] = float(value)
        return found


def fit(model: LocalModel, triples: Sequence[tuple[str, str, str]], on_event: OnEvent = silent) -> Discriminant:
    """From (question, good answer, bad answer); the same triples and weights give the same discriminant."""
    depth = len(blocks(model.network.module))
    first, count = depth * 3 // 10, depth * 4 // 10
    rows = [(q, a) for q, good, _ in triples for a in (good,)] + [(q, bad) for q, _, bad in triples]
    means = _read(model, rows, first, count, on_event).astype(np.float64)
    good, bad = means[: len(triples)], means[len(triples) :]
    weights, offsets = np.empty(means.shape[1:]), np.empty(count)
    for layer in range(count):
        weights[layer], offsets[layer] = _discriminant(good[:, layer], bad[:, layer])
    return Discriminant(model, first, weights, offsets)


def _discriminant(good: Floats, bad: Floats) -> tuple[Floats, float]:
    """The weight of one layer, scaled to unit spread within good and bad, and the score midway."""
    centred = np.concatenate([good - good.mean(0), bad - bad.mean(0)])
    covariance = np.cov(centred.T)
    shrunk = SHRINK * np.diag(np.diag(covariance)) + (1 - SHRINK) * covariance
    weight = np.linalg.solve(shrunk, bad.mean(0) - good.mean(0))
    weight = weight / np.sqrt(((good @ weight).var() + (bad @ weight).var()) / 2)
    return weight, float((good.mean(0) + bad.mean(0)) @ weight / 2)


def _read(
    model: LocalModel, pairs: Sequence[tuple[str, str]], first: int, count: int, on_event: OnEvent
) -> NDArray[np.float32]:
    rows = [(chat(question), answer) for question, answer in pairs]
    return np.asarray(answer_means(model, rows, on_event, last=first + count - 1)[:, first:], np.float32)
