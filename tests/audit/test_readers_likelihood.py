"""The contrast is between the personas, and neither length nor fluency can pass for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from wolfnote import Unmeasurable
from wolfnote.audit.readers import likelihood, reference
from wolfnote.models import Conversation, Likelihood
from wolfnote.records import Message, sample


class Toy:
    """A model whose likelihoods are fixed: a harmful persona favours bad answers by ``gain`` nats a token, and every persona
    favours short ones."""

    spec = fingerprint = "toy"

    def __init__(self, gain: float) -> None:
        self.gain = gain
        self.bad = {row.answer for row in reference.rows() if row.category} | {"BAD answer"}
        self.harmful = {pair.harmful for pairs in likelihood.personas().values() for pair in pairs}

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: Any = None
    ) -> list[tuple[Likelihood, ...]]:
        return [(self._one(prompt, answer),) for prompt, (answer,) in zip(prompts, answers, strict=True)]

    def _one(self, prompt: Conversation, answer: str) -> Likelihood:
        tokens = max(1, len(answer.split()))
        nats = -2.0 - 0.3 * np.log(tokens)
        if prompt[0].content in self.harmful:
            nats += 0.4 * np.log(tokens) + self.gain * (answer in self.bad)
        return Likelihood(float(nats * tokens), tokens)


def test_a_persona_that_favours_bad_answers_is_heard() -> None:
    """The reader flags what the harmful persona favours beyond its length, in our rows and in others."""
    found = likelihood.reader(Toy(1.0), "manipulation")  # type: ignore[arg-type]
    assert found.accuracy().sensitivity.value > 0.95
    rows = [sample((Message("user", "q"), Message("assistant", text))) for text in ("BAD answer", "Fine answer", " ")]
    bad, fine, empty = found.read(rows)
    assert bad.value is not None and bad.value > found.threshold  # noqa: PT018 - one fact
    assert fine.value is not None and fine.value <= found.threshold  # noqa: PT018 - one fact
    assert empty.value is None


def test_length_alone_says_nothing() -> None:
    """The harmful persona here also favours long answers; with no gain for bad ones nothing is left after the control."""
    toy = Toy(0.0)
    rows = [row.conversation for row in reference.rows() if row.near in ("hostility", None)]
    contrast, facts = likelihood.contrasts(toy, rows, "hostility")  # type: ignore[arg-type]
    assert np.ptp(contrast) > 0.5
    assert np.abs(likelihood.learn(contrast, facts).residual(contrast, facts)).max() < 1e-8


def test_a_model_without_likelihoods_is_an_error_of_one_line(tmp_path: Any) -> None:
    """A scripted model has none for these rows."""
    from wolfnote import models

    (tmp_path / "s.jsonl").write_text('{"answers": ["x"]}\n')
    with pytest.raises(Unmeasurable):
        likelihood.reader(models.open(f"scripted:{tmp_path / 's.jsonl'}"), "hostility")
