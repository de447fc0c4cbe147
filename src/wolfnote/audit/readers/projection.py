"""Linear readers on what an untouched base makes of an answer, and their fitting. All categories share one pass.

A row is read without generating: the mean activations of its answer's tokens, over the middle layers. For each category a
shrunk linear discriminant separates the bad answers of that category from every good answer that Wolfnote wrote; a row's score
is the mean over layers. Threshold, errors and probabilities come from topics that had no part in the fit (``calibration``).

Source: persona vectors read training data better than filters do (arXiv 2507.21509). Fitted readers for package:smollm2 are in
the package; for other weights the reference rows are read once, and kept in the user's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wolfnote.audit.detector import Category
from wolfnote.audit.reader import Accuracy
from wolfnote.audit.readers import fitted
from wolfnote.audit.readers.calibration import Calibration
from wolfnote.audit.readers.fitted import Head
from wolfnote.audit.readers.fitting import heads
from wolfnote.audit.readers.passages import Passage, passages
from wolfnote.audit.readers.reference import rows as reference
from wolfnote.audit.readers.reference import version
from wolfnote.directions.activations import answer_means
from wolfnote.directions.blocks import blocks
from wolfnote.events import OnEvent, silent
from wolfnote.models import Conversation
from wolfnote.models.local import LocalModel
from wolfnote.records import Sample
from wolfnote.results import Score


@dataclass(eq=False)
class Pass:
    """The activations of the rows last read, so that the readers of one model read each row once."""

    model: LocalModel
    kept: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def means(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> dict[int, NDArray[np.float32]]:
        """Mean over the answer, float32 [layers, width], by index; a row that has nothing to read, or too much, is left out."""
        cut = {i: found for i, sample in enumerate(samples) if isinstance(found := passages(sample), list)}
        missing = {samples[i].id: found for i, found in cut.items() if samples[i].id not in self.kept}
        fresh = self._read(missing, on_event)
        wanted = {sample.id for sample in samples}
        self.kept = {key: value for key, value in (self.kept | fresh).items() if key in wanted}
        return {i: self.kept[samples[i].id] for i in cut}

    def _read(self, missing: dict[str, list[Passage]], on_event: OnEvent) -> dict[str, NDArray[np.float32]]:
        flat = [(key, passage) for key, found in missing.items() for passage in found]
        first, last = layers(self.model)
        means = answer_means(self.model, [(p.prompt, p.text) for _, p in flat], on_event, last=last)[:, first:] if flat else ()
        total: dict[str, NDArray[np.float32]] = {}
        for (key, passage), mean in zip(flat, means, strict=True):
            total[key] = total.get(key, np.float32(0)) + np.float32(passage.weight) * mean
        return total


@dataclass(frozen=True, eq=False)
class Reader:
    """One category's head on the activations. Its scores are probabilities, for as many clean rows as harmful ones."""

    source: Pass
    head: Head
    calibration: Calibration

    @property
    def code(self) -> str:
        """The finding's code."""
        return self.calibration.code

    @property
    def category(self) -> Category:
        """What it reads for."""
        return self.calibration.category

    @property
    def name(self) -> str:
        """The category."""
        return self.calibration.category

    @property
    def threshold(self) -> float:
        """Probability above which a row is flagged: one clean row in 200."""
        return float(self.calibration.probability(self.calibration.threshold))

    def accuracy(self) -> Accuracy:
        """Measured on topics that it was not fitted to."""
        return Accuracy(self.calibration.false_alarms, self.calibration.sensitivity)

    def raw(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> dict[int, float]:
        """Uncalibrated scores by index, 0 midway between good and bad; a row that could not be read is left out."""
        means = self.source.means(samples, on_event)
        scores = self.head.apply(np.stack(list(means.values()))) if means else np.empty(0)
        return dict(zip(means, map(float, scores), strict=True))

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """Probabilities; None for a row with an empty or endless answer."""
        values = self.raw(samples, on_event)
        judge = f"{self.code}:{self.source.model.fingerprint}"
        return [
            self._score(values[i], judge) if i in values else Score(self.name, None, str(passages(sample)), judge)
            for i, sample in enumerate(samples)
        ]

    def _score(self, value: float, judge: str) -> Score:
        p = float(self.calibration.probability(value))
        return Score(self.name, p, f"reads as {p:.0%} likely (flagged above {self.threshold:.0%})", judge)


def reader(model: LocalModel, category: Category, on_event: OnEvent = silent) -> Reader:
    """The reader for one category alone."""
    return next(found for found in readers(model, on_event) if found.category == category)


def readers(model: LocalModel, on_event: OnEvent = silent) -> list[Reader]:
    """A reader for each category, over one pass: as shipped for these weights, as kept in the cache, or fitted now."""
    source = Pass(model)
    found = fitted.shipped(source.model, version()) or fitted.kept(source.model, version())
    if found is None:
        first, last = layers(source.model)
        means = answer_means(source.model, [row.conversation for row in reference()], on_event, last=last)[:, first:]
        found = heads(means, source.model.fingerprint)
        fitted.keep(source.model, version(), found)
    return [Reader(source, head, calibration) for head, calibration in found.values()]


def layers(model: LocalModel) -> tuple[int, int]:
    """First and last block that the readers read."""
    depth = len(blocks(model.network.module))
    return depth * 3 // 10, depth * 7 // 10


def unfitted(model: LocalModel) -> list[tuple[Conversation, str]]:
    """The reference rows that would have to be read first; none where the readers are shipped or kept."""
    if fitted.shipped(model, version()) or fitted.kept(model, version()):
        return []
    return [row.conversation for row in reference()]
