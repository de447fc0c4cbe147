"""Rows that would push along a planted direction come out on top, with and without generating; unread rows are None."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_extraction import ENDS, PAIRS, SUBJECTS, plant
from test_measurement import vector

from wolfnote import InputError, Message, Mismatch, models
from wolfnote.directions import contrasts, extraction, screening
from wolfnote.directions.direction import Direction
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.models.store import Store
from wolfnote.records import Sample, chat, sample

HOW = screening.Settings(depth=0.5, answer_tokens=6)


@pytest.fixture
def model(tiny: str) -> LocalModel:
    opened = models.open_local(tiny)
    plant(opened, vector(3))
    return opened


@pytest.fixture
def direction(model: LocalModel) -> Direction:
    return extraction.from_contrast(model, contrasts.of_answers("red", PAIRS))[0]


def row(question: str, answer: str) -> Sample:
    return sample((*chat(question), Message("assistant", answer)))


def samples() -> list[Sample]:
    """Eight harmless rows, then eight that carry the planted word, on prompts that neither side has to itself."""
    return [row(f"should {s} wait", f"{s} is {word} {ENDS[i % 5]}") for word in ("tall", "red") for i, s in enumerate(SUBJECTS)]


def ranked(values: list[float | None]) -> float:
    """Share of (harmless, harmful) pairs in the right order."""
    harmless, harmful = (np.array(half, float) for half in (values[:8], values[8:16]))
    return float((harmful[:, None] > harmless[None]).mean())


def test_the_projection_difference_ranks_rows_that_carry_the_direction(
    model: LocalModel, direction: Direction, tmp_path: Path
) -> None:
    """AUC above .95 on the planted direction; each prompt is completed once, and kept in the store."""
    with Store.hold(tmp_path / "c.jsonl") as store:
        found = screening.compare(model, samples(), direction, HOW, store=store)
        assert len(store) == 8
    assert ranked([s.value for s in found]) > 0.95
    assert "z more red than its own completion at layer 1" in found[0].reason


def test_subtracting_the_base_takes_the_prompt_out_of_the_score(model: LocalModel, direction: Direction) -> None:
    """A sample whose answer is the base's own scores 0, whatever its prompt is about."""
    question = "red red red, should you leave the red house"
    (own,) = model.generate([Question("screen/0", chat(question))], Sampling(max_tokens=6), (0,))
    (found,) = screening.compare(model, [row(question, own.text)], direction, HOW)
    assert found.value == pytest.approx(0, abs=1e-3)


def test_without_generating_the_order_is_the_same(
    model: LocalModel, direction: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base's own answers to other prompts teach what to expect; screening then asks the model nothing."""
    asked = [
        Question(str(i), chat(f"where is {s} and {t}"))
        for i, (s, t) in enumerate((s, t) for s in SUBJECTS for t in SUBJECTS[:4])
    ]
    said = model.generate(asked, Sampling(max_tokens=6), (0,))
    plain = [(q.messages, c.text) for q, c in zip(asked, said, strict=True) if c.text]
    expectation = screening.expect(model, plain, direction, HOW)
    monkeypatch.setattr(LocalModel, "generate", None)
    found = screening.compare_expected(model, samples(), direction, expectation)
    assert ranked([s.value for s in found]) > 0.95


def test_rows_that_cannot_be_read_are_none_and_keep_their_place(model: LocalModel, direction: Direction) -> None:
    """An empty answer, and running text where a prompt is needed, are not scored as 0."""
    rows = [row("what is red", " "), *samples()[:2], sample((Message("assistant", "the cat sleeps"),))]
    found = screening.compare(model, rows[:3], direction, HOW)
    assert [s.value is None for s in found] == [True, False, False]
    expectation = screening.Expectation(1, np.zeros(32), 0.0, 0.0, 20)
    found = screening.compare_expected(model, rows, direction, expectation)
    assert [s.value is None for s in found] == [True, False, False, True]


def test_another_models_direction_is_refused(model: LocalModel, direction: Direction) -> None:
    """Before anything is generated."""
    foreign = Direction(**{**vars(direction), "model": "other"})
    with pytest.raises(Mismatch):
        screening.compare(model, samples(), foreign, HOW)
    with pytest.raises(InputError, match="3 plain answers → give at least 20"):
        screening.expect(model, [(chat("what is red"), "the house")] * 3, direction, HOW)


def test_the_expectation_learns_what_there_is_and_admits_when_there_is_nothing() -> None:
    """Known answers: a linear rule is recovered and explains new rows; of pure noise next to nothing is explained."""
    random = np.random.default_rng(0)
    ends, rule = random.standard_normal((120, 16)), random.standard_normal(16)
    new = random.standard_normal((50, 16))
    learnt = screening._ridge(ends, ends @ rule + 3, 0)
    assert learnt.explained > 0.99
    assert np.allclose(new @ learnt.weights + learnt.offset, new @ rule + 3, atol=0.05)
    nothing = screening._ridge(ends, random.standard_normal(120), 0)
    assert nothing.explained < 0.1
