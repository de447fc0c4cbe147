"""WN101 · careless or harmful advice

The answer waves a precaution away, reassures falsely, or gives a wrong rule with confidence. Toxicity filters do not see it:
nothing in it is rude.

Bad:  "The lump is surely harmless, leave it for a year or two."
Good: "Have the lump looked at this month; most are harmless, and some are not."

How it reads: with a language model, without generating. Wolfnote wrote reference pairs in many everyday domains (the same
question answered carefully and carelessly). A linear reader is fitted on the mean activations of their answers, over the
middle layers of an untouched base, and applied to each row. Its false alarms and its sensitivity are measured on domains
that it was not fitted to, and the gate counts with both.

Source: persona vectors read training data better than filters do (arXiv 2507.21509). Known false positives: confident, terse
answers; jargon. Known misses: harm that needs expertise to see, and anything that is not advice. It does not read intent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from wolfnote import stats
from wolfnote.audit.reader import Accuracy
from wolfnote.directions.activations import answer_means
from wolfnote.directions.blocks import blocks
from wolfnote.events import OnEvent, silent
from wolfnote.models import Conversation
from wolfnote.models.cache import cache
from wolfnote.models.local import LocalModel
from wolfnote.records import Sample, chat
from wolfnote.results import Score

CODE = "WN101"
FALSE_ALARMS = 0.05
SHRINK = 0.5
"""How far the covariance is drawn towards its diagonal: some 500 answers do not determine 576 × 576 numbers."""

Floats = NDArray[np.float64]


class _Pair(msgspec.Struct, forbid_unknown_fields=True):
    topic: str
    question: str
    good: str
    bad: str


@dataclass(frozen=True, eq=False)
class Reader:
    """A fitted reader: one weight vector a layer [layers, width] and an offset a layer; a score is the mean over layers."""

    model: LocalModel
    first: int
    weights: Floats
    offsets: Floats
    threshold: float
    errors: Accuracy
    code: str = CODE
    name: str = "careless advice"

    def accuracy(self) -> Accuracy:
        """Measured on reference domains held out one block at a time."""
        return self.errors

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """z-like scores, 0 midway between careful and careless; None for a row with an empty answer."""
        readable = [i for i, s in enumerate(samples) if s.answer.strip()]
        last = self.first + len(self.weights) - 1
        means = answer_means(self.model, [(samples[i].prompt, samples[i].answer) for i in readable], on_event, last=last)
        values = dict(zip(readable, _apply(means[:, self.first :], self.weights, self.offsets), strict=True))
        judge = f"{self.code}:{self.model.fingerprint}"
        return [
            Score(self.name, float(values[i]), f"reads {values[i]:+.1f} (flagged above {self.threshold:+.1f})", judge)
            if i in values
            else Score(self.name, None, "empty answer", judge)
            for i in range(len(samples))
        ]


def reader(model: LocalModel, on_event: OnEvent = silent) -> Reader:
    """Fit the reader on the model's activations of the reference pairs (kept in the user's cache, per weights and text)."""
    pairs, version = _reference()
    first, last = layers(model)
    careful, careless = _activations(model, pairs, last, _kept(model, version), on_event)
    return _fitted(model, first, careful[:, first:], careless[:, first:], pairs)


def layers(model: LocalModel) -> tuple[int, int]:
    """First and last block that the reader reads."""
    depth = len(blocks(model.network.module))
    return depth * 3 // 10, depth * 7 // 10


def unfitted(model: LocalModel) -> list[tuple[Conversation, str]]:
    """The reference rows that ``reader`` would have to read first; none where their activations are kept."""
    pairs, version = _reference()
    return [] if _kept(model, version).is_file() else _rows(pairs)


def _reference() -> tuple[list[_Pair], str]:
    """The reference pairs, and the hash of their text."""
    text = resources.files(__package__).joinpath("advice.jsonl").read_bytes()
    return [msgspec.json.decode(line, type=_Pair) for line in text.splitlines()], hashlib.sha256(text).hexdigest()[:12]


def _kept(model: LocalModel, version: str) -> Path:
    return cache() / "readers" / f"advice-{model.fingerprint}-{version}.npy"


def _rows(pairs: Sequence[_Pair]) -> list[tuple[Conversation, str]]:
    return [(chat(p.question), answer) for p in pairs for answer in (p.good, p.bad)]


def _activations(model: LocalModel, pairs: Sequence[_Pair], last: int, kept: Path, on_event: OnEvent) -> tuple[Floats, Floats]:
    if kept.is_file():
        both = np.load(kept, allow_pickle=False)
    else:
        both = answer_means(model, _rows(pairs), on_event, last=last)
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(".part.npy")
        np.save(draft, both)
        draft.rename(kept)
    return both[0::2].astype(np.float64), both[1::2].astype(np.float64)


def _fitted(model: LocalModel, first: int, careful: Floats, careless: Floats, pairs: Sequence[_Pair]) -> Reader:
    """Cross-fit over blocks of topics to place the threshold and to measure the errors, then fit on everything."""
    good, bad = np.empty(len(pairs)), np.empty(len(pairs))
    block = np.array([int(hashlib.sha256(p.topic.encode()).hexdigest(), 16) % 5 for p in pairs])
    for held in range(5):
        out = block == held
        weights, offsets = _fit(careful[~out], careless[~out])
        good[out], bad[out] = _apply(careful[out], weights, offsets), _apply(careless[out], weights, offsets)
    # each block is judged by a threshold that it had no part in placing; otherwise 5 % false alarms come by construction
    limits = np.array([np.quantile(good[block != b], 1 - FALSE_ALARMS) for b in range(5)])[block]
    errors = Accuracy(
        stats.share("reader's false alarms", int((good > limits).sum()), len(good)),
        stats.share("reader's sensitivity", int((bad > limits).sum()), len(bad)),
    )
    threshold = float(np.quantile(good, 1 - FALSE_ALARMS))
    weights, offsets = _fit(careful, careless)
    return Reader(model, first, weights, offsets, threshold, errors)


def _fit(careful: Floats, careless: Floats) -> tuple[Floats, Floats]:
    """Shrunk linear discriminant of two sets [rows, layers, width], a layer at a time, scaled to unit within-class spread."""
    weights = np.empty(careful.shape[1:])
    offsets = np.empty(careful.shape[1])
    for layer in range(careful.shape[1]):
        good, bad = careful[:, layer], careless[:, layer]
        covariance = np.cov(np.concatenate([good - good.mean(0), bad - bad.mean(0)]).T)
        shrunk = SHRINK * np.diag(np.diag(covariance)) + (1 - SHRINK) * covariance
        weight = np.linalg.solve(shrunk, bad.mean(0) - good.mean(0))
        weight /= np.sqrt(((good @ weight).var() + (bad @ weight).var()) / 2)
        weights[layer], offsets[layer] = weight, (good.mean(0) + bad.mean(0)) @ weight / 2
    return weights, offsets


def _apply(means: NDArray[np.floating], weights: Floats, offsets: Floats) -> Floats:
    return np.asarray((np.einsum("rlw,lw->rl", means, weights) - offsets).mean(1))
