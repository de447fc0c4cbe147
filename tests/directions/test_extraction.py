"""What is planted in a random model is found there, from every contrast; under shuffled labels nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_measurement import planted, vector

from wolfnote import InputError, Mismatch, directions, models
from wolfnote.directions import contrasts, extraction
from wolfnote.directions.activations import Position
from wolfnote.directions.contrasts import Answers, Contrast
from wolfnote.directions.direction import Direction
from wolfnote.directions.methods import Method
from wolfnote.directions.persona import Contrast as Instructions
from wolfnote.directions.persona import Persona
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

SUBJECTS = ("the cat", "the dog", "a house", "the blue dog", "a small cat", "the first house", "it", "you")
ENDS = ("now", "and sleeps", "and should leave", "always and never", "so you should wait now")
QUESTIONS = [f"what is {s} and where" for s in SUBJECTS]
PAIRS = [
    Answers(question, f"{s} is tall {end}", f"{s} is red {end}")
    for question, s in zip(QUESTIONS, SUBJECTS, strict=True)
    for end in ENDS
]
PERSONA = Persona("t", "", "a", "b", ("where is the cat", "what is red", "should you wait", "is it small"),
                  (Instructions("never never never wait", "always always always wait"), Instructions("red red red", "blue blue blue")))  # fmt: skip


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def plant(model: LocalModel, along: np.ndarray, size: float = 60.0) -> None:
    """Make "red" mean "tall" plus ``size`` × ``along``."""
    (red,), (tall,) = (model.tokenizer(f" {w}", add_special_tokens=False)["input_ids"] for w in ("red", "tall"))
    weight = model.network.module.get_input_embeddings().weight
    with torch.no_grad():
        weight[red] = weight[tall] + size * torch.from_numpy(along.astype(np.float32))


@pytest.mark.parametrize("method", [Method.MEAN, Method.PRINCIPAL])
def test_a_planted_direction_is_recovered_in_a_random_model(model: LocalModel, method: Method) -> None:
    """Cosine above .95 at every layer, the sign right, and every receipt says so."""
    plant(model, vector(3))
    (found,) = extraction.from_contrast(model, contrasts.of_answers("red", PAIRS), (method,))
    assert (found.vectors @ vector(3) > 0.95).all()
    receipts = found.receipts
    assert min(receipts["split_half_questions"]) > 0.95
    assert min(receipts["held_out_questions"]) == 1.0
    assert max(receipts["permutation_p"]) < 0.01
    assert (np.array(receipts["positive_mean"]) > np.array(receipts["negative_mean"]) + 3).all()


def test_under_shuffled_labels_nothing_is_found(model: LocalModel) -> None:
    """The same texts with sides swapped at random: no better than the permutation null, and a coin on the other half."""
    plant(model, vector(3))
    real = contrasts.of_answers("red", PAIRS)
    low, shares = 0, []
    for seed in range(5):
        swap = np.random.default_rng(seed).random(len(PAIRS)) < 0.5
        pairs = [(p, n) if s else (n, p) for p, n, s in zip(real.positive, real.negative, swap, strict=True)]
        shuffled = Contrast("none", [a for a, _ in pairs], [b for _, b in pairs], real.plain, real.units)
        (found,) = extraction.from_contrast(model, shuffled)
        low += min(found.receipts["permutation_p"]) < 0.02
        shares += found.receipts["held_out_questions"]
    assert low <= 1
    assert abs(np.mean(shares) - 0.5) < 0.25


def test_what_a_tune_changed_is_found_on_the_same_text(model: LocalModel, tmp_path: Path) -> None:
    """Tuned against base: the vector that the adapter writes is recovered behind it; it belongs to the base, in any tune."""
    tuned = planted(model, vector(0), 40.0, tmp_path / "adapter")
    rows = [(ask(p.question), p.good) for p in PAIRS]
    (found,) = extraction.from_tune(model, tuned, rows, "what changed")
    assert (found.vectors[1:] @ vector(0) > 0.95).all()
    assert found.receipts["nothing_at"] == [0]  # the adapter begins at block 1: before it both are the same
    assert not found.vectors[0].any()
    scores = found.score(directions.answer_means(tuned, rows), tuned.fingerprint)
    assert np.isfinite(scores).all()
    assert (scores.mean(0)[1:] > 3).all()


def test_two_models_that_do_not_differ_have_no_direction_between_them(model: LocalModel) -> None:
    """The base against itself is one line, not a vector of noise or of NaN."""
    rows = [(ask(p.question), p.good) for p in PAIRS[:6]]
    with pytest.raises(InputError, match="alike"):
        extraction.from_tune(model, model, rows, "nothing")
    with pytest.raises(InputError, match="3 rows to compare on"):
        extraction.from_tune(model, model, rows[:3], "nothing")


def test_the_default_is_the_mean_of_paired_differences_over_answer_tokens(model: LocalModel) -> None:
    """Computed by hand from answer means: one pass over all rows changed no number of the first version."""
    settings = extraction.Settings(questions=4, answer_tokens=6)
    found = directions.extract(model, PERSONA, settings, seed=1)
    texts = contrasts.of_persona(model, PERSONA, questions=4, answer_tokens=6, seed=1)
    differences = directions.answer_means(model, texts.positive) - directions.answer_means(model, texts.negative)
    plain = directions.answer_means(model, texts.plain)
    mean = differences.mean(0)
    assert np.allclose(found.vectors, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-4)
    along = np.einsum("rlw,lw->rl", plain, found.vectors)
    assert np.allclose(found.neutral, along.mean(0), atol=1e-4)
    assert np.allclose(found.spread, along.std(0, ddof=1), atol=1e-4)
    assert {"questions", "contrasts", "pairs", "seed", "method", "template", "precision"} <= set(found.receipts)
    assert (found.receipts["questions"], found.receipts["contrasts"], found.receipts["pairs"]) == (4, 2, 8)


def test_several_positions_and_methods_come_from_one_pass(model: LocalModel) -> None:
    """Each equals the one extracted alone, and the rows went through the model once."""
    texts = contrasts.of_persona(model, PERSONA, questions=4, answer_tokens=6)
    rows: list[int] = []
    how, where = (Method.MEAN, Method.WHITENED), (Position.PROMPT_END, Position.ANSWER_END)
    found = extraction.from_contrast(model, texts, how, where, on_event=lambda event: rows.append(event.done))
    assert rows[-1] == 2 * 8 + 4
    assert sorted(rows) == rows
    assert [(d.position, d.receipts["method"]) for d in found] == [(p.value, m.value) for p in where for m in how]
    alone = extraction.from_contrast(model, texts, how[1:], where[:1])
    assert np.array_equal(alone[0].vectors, found[1].vectors)


def test_two_sides_with_one_prompt_are_not_read_at_its_end(model: LocalModel) -> None:
    """There they are the same text: what would be found is float noise of unit length."""
    with pytest.raises(InputError, match="the two sides have the same prompts"):
        extraction.from_contrast(model, contrasts.of_answers("red", PAIRS), positions=(Position.PROMPT_END,))


def test_a_direction_holds_in_another_precision_and_under_a_tune_but_in_no_other_weights() -> None:
    """Same weights, other precision: the same model. Other weights: one line."""
    ones = np.ones(3, np.float32)
    found = Direction("t", np.ones((3, 32), np.float32), ones, ones, ones, ones, "abc@bfloat16")
    for name in ("abc", "abc@4-bit+def", "abc+def|ablate:1|steer:2"):
        found.check(name, (3, 32))
    with pytest.raises(Mismatch, match="extract it anew"):
        found.check("abd@bfloat16", (3, 32))
    with pytest.raises(Mismatch):
        found.check("abc", (2, 32))
