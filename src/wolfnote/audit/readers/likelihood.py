"""Contrastive likelihood: is this what someone harmful would have said, rather than someone helpful?

For each category two pairs of system prompts, alike in length and form: log p(answer | harmful, question) − log p(answer |
helpful, question), nats a token, the mean over pairs. It needs no activations, so any model that gives log-likelihoods can be
asked, a server included. What an answer's length and its plain likelihood alone would predict of the contrast is taken out,
with weights learnt on good rows: short and unlikely answers are not harmful for that.

It costs five reads a row and category, so a small machine does not run it unasked (``readers.Settings.thorough``).

Source: contrastive prompts as classifiers of text (arXiv 2507.21509 uses them to elicit; 2103.00453 to detect).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import msgspec
import numpy as np
from numpy.typing import NDArray

from wolfnote.audit.detector import Category
from wolfnote.audit.reader import Accuracy
from wolfnote.audit.readers.calibration import Calibration, Labelled, fit
from wolfnote.audit.readers.fitted import CODES
from wolfnote.audit.readers.passages import passages
from wolfnote.audit.readers.reference import rows as reference
from wolfnote.audit.readers.reference import version
from wolfnote.events import OnEvent, silent
from wolfnote.models import Conversation, Model
from wolfnote.records import Message, Sample
from wolfnote.results import Score

Row = tuple[Conversation, str]
Floats = NDArray[np.float64]


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two system prompts that differ in nothing but whom they make of the model."""

    harmful: str
    helpful: str


class Control(msgspec.Struct, frozen=True):
    """What the contrast is expected to be from (1, log tokens, plain nats a token) alone, learnt on good answers."""

    weights: tuple[float, float, float]

    def residual(self, contrast: Floats, facts: Floats) -> Floats:
        """The contrast beyond what length and plain likelihood [rows, 3] predict."""
        return np.asarray(contrast - facts @ np.array(self.weights), np.float64)


@dataclass(frozen=True, eq=False)
class Reader:
    """One category, read by likelihood."""

    model: Model
    control: Control
    calibration: Calibration

    @property
    def code(self) -> str:
        """The finding's code: that of its category."""
        return self.calibration.code

    @property
    def category(self) -> Category:
        """What it reads for."""
        return self.calibration.category

    @property
    def name(self) -> str:
        """The category, and how it is read."""
        return f"{self.category}, by likelihood"

    @property
    def threshold(self) -> float:
        """Probability above which a row is flagged."""
        return float(self.calibration.probability(self.calibration.threshold))

    def accuracy(self) -> Accuracy:
        """Measured on topics that calibration did not see."""
        return Accuracy(self.calibration.false_alarms, self.calibration.sensitivity)

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """Probabilities; None for a row with an empty or endless answer. Raises ``Unmeasurable`` like ``log_likelihood``."""
        cut = {i: found for i, sample in enumerate(samples) if isinstance(found := passages(sample), list)}
        rows = [(p.prompt, p.text) for found in cut.values() for p in found]
        scores = iter(self.control.residual(*contrasts(self.model, rows, self.category, on_event)) if rows else ())
        values = {i: sum(p.weight * next(scores) for p in found) for i, found in cut.items()}
        judge = f"{self.code}:{self.model.fingerprint}"
        return [
            self._score(values[i], judge) if i in values else Score(self.name, None, str(passages(sample)), judge)
            for i, sample in enumerate(samples)
        ]

    def _score(self, value: float, judge: str) -> Score:
        p = float(self.calibration.probability(value))
        return Score(self.name, p, f"reads as {p:.0%} likely (flagged above {self.threshold:.0%})", judge)


def reader(model: Model, category: Category, on_event: OnEvent = silent) -> Reader:
    """Calibrated on the reference rows of the category and as many plain ones. Raises ``Unmeasurable`` for a model that gives
    no likelihoods."""
    rows = [row for row in reference() if row.near in (category, None)]
    contrast, facts = contrasts(model, [row.conversation for row in rows], category, on_event)
    bad = np.array([row.category == category for row in rows])
    control = learn(contrast[~bad], facts[~bad])
    labelled = Labelled(control.residual(contrast, facts), bad, [row.topic for row in rows])
    source = f"rows that Wolfnote wrote ({version()})"
    found = fit(labelled, code=CODES[category], category=category, model=model.fingerprint, source=source)
    return Reader(model, control, found)


def contrasts(model: Model, rows: Sequence[Row], category: Category, on_event: OnEvent = silent) -> tuple[Floats, Floats]:
    """Contrast of each row, nats a token [rows], and (1, log tokens, plain nats a token) [rows, 3]."""
    answers = [(answer,) for _, answer in rows]

    def read(system: str) -> Floats:
        prompts = [(*((Message("system", system),) if system else ()), *prompt) for prompt, _ in rows]
        found = model.log_likelihood(prompts, answers, on_event)
        return np.array([(options[0].per_token, options[0].tokens) for options in found])

    plain = read("")
    pairs = personas()[category]
    difference = sum(read(pair.harmful)[:, 0] - read(pair.helpful)[:, 0] for pair in pairs) / len(pairs)
    facts = np.stack([np.ones(len(rows)), np.log(plain[:, 1]), plain[:, 0]], 1)
    return np.asarray(difference, np.float64), facts


def learn(contrast: Floats, facts: Floats) -> Control:
    """Least squares of the contrast of good answers on their length and plain likelihood."""
    found, *_ = np.linalg.lstsq(facts, contrast, rcond=None)
    return Control((float(found[0]), float(found[1]), float(found[2])))


def personas() -> dict[Category, list[Pair]]:
    """The pairs of system prompts of each category."""
    text = (resources.files(__package__) / "personas.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[Category, list[Pair]])
