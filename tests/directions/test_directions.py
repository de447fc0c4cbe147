"""The theorems: what is planted is found, what is ablated is gone, what means nothing is not significant."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from wolfnote import InputError, Mismatch, directions, models
from wolfnote.directions import activations, extraction, null, projection
from wolfnote.directions.direction import Direction
from wolfnote.directions.persona import Contrast, Persona
from wolfnote.models import chat
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

ROWS = [
    (ask("where is the cat"), "the cat sleeps now"),
    (ask("what is red"), "the house"),
    (ask("you should wait"), "never leave it"),
]


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open(tiny)


def random_direction(model: LocalModel, seed: int = 0) -> Direction:
    vectors = np.random.default_rng(seed).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    means = directions.answer_means(model, ROWS)
    neutral = np.einsum("rlw,lw->rl", means, vectors).mean(0)
    return Direction(
        "test", vectors, neutral, np.ones(3, np.float32), np.ones(3, np.float32), np.full(3, 1e6, np.float32), model.fingerprint
    )


def test_answer_means_equal_block_outputs(model: LocalModel) -> None:
    """Streaming, batched and padded, they are the mean of each block's output over the answer tokens, last block included."""
    found = directions.answer_means(model, ROWS)
    for row, (prompt, answer) in enumerate(ROWS):
        encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, prompt), answer)
        outputs: dict[int, torch.Tensor] = {}
        with model.active() as module, activations.hooked(module, lambda layer, h: outputs.__setitem__(layer, h.clone())):
            module(torch.tensor([encoded.ids]))
        for layer in range(3):
            assert np.allclose(found[row, layer], outputs[layer][0, encoded.start :].mean(0), atol=1e-4)


def test_stopping_early_changes_no_number(model: LocalModel) -> None:
    """The pass ends behind the deepest wanted block, with the same means."""
    assert np.array_equal(directions.answer_means(model, ROWS, last=1), directions.answer_means(model, ROWS)[:, :2])


def test_after_ablation_nothing_is_left_along_the_direction(model: LocalModel) -> None:
    """The projection of every token at every block equals the neutral mean to 1e-4; elsewhere the stream is free."""
    direction = random_direction(model)
    seen: list[torch.Tensor] = []
    with directions.ablate(model, direction), model.active() as module:
        with activations.hooked(module, lambda layer, h: seen.append(h @ torch.from_numpy(direction.vectors[layer])) or None):
            module(model.tokenizer(chat.prompt_text(model.tokenizer, ROWS[0][0]), return_tensors="pt")["input_ids"])
    from wolfnote.directions.ablation import layers

    for layer in layers(direction):
        along = seen[layer]
        assert float((along - direction.neutral[layer]).abs().max()) < 1e-4


def test_hooks_are_gone_after_an_exception_and_the_fingerprint_tells(model: LocalModel) -> None:
    """An intervention never outlives its ``with``, and no cached number of one model passes for another's."""
    direction = random_direction(model)
    before, plain = model.log_likelihood([ROWS[0][0]], [("the cat",)]), model.fingerprint
    with pytest.raises(ZeroDivisionError), directions.ablate(model, direction):
        assert model.fingerprint.startswith(plain + "|ablate:")
        assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) != before
        raise ZeroDivisionError
    assert model.fingerprint == plain
    assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) == before


def test_a_direction_refuses_another_model(model: LocalModel) -> None:
    """Found in one model, it says nothing about another."""
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch, match="extract it anew"), directions.ablate(model, foreign):
        pass
    with pytest.raises(Mismatch):
        foreign.score(np.zeros((1, 3, 32), np.float32), model.fingerprint)


def test_save_and_load_round_trip(model: LocalModel, tmp_path: Path) -> None:
    """Nothing is lost in the file, and a file that is none is one clear line."""
    direction = random_direction(model)
    direction.save(tmp_path / "d.safetensors")
    again = directions.load(tmp_path / "d.safetensors")
    assert np.array_equal(again.vectors, direction.vectors)
    assert (again.persona, again.model) == ("test", model.fingerprint)
    (tmp_path / "bad.safetensors").write_bytes(b"junk")
    with pytest.raises(InputError, match="not a direction"):
        directions.load(tmp_path / "bad.safetensors")


def test_blocks_are_found_through_an_adapter(tiny: str) -> None:
    """PEFT wraps the model; the rule still finds the three decoder blocks and each fires once."""
    from peft import LoraConfig, get_peft_model

    model = models.open(tiny)
    plain = activations.blocks(model.network.module)
    model.network.module = get_peft_model(model.network.module, LoraConfig(r=2, target_modules="all-linear"))
    assert activations.blocks(model.network.module) == plain
    assert directions.answer_means(model, ROWS).shape == (3, 3, 32)


@pytest.fixture
def rows() -> Iterator[np.ndarray]:
    return np.random.default_rng(5).standard_normal((60, 3, 32)).astype(np.float32) * np.linspace(0.2, 3, 32, dtype=np.float32)


def planted(rows: np.ndarray, seed: int = 1) -> Direction:
    vectors = np.random.default_rng(seed).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spread = np.einsum("rlw,lw->rl", rows, vectors).std(0)
    return Direction("planted", vectors, np.zeros(3, np.float32), spread, np.ones(3, np.float32), np.ones(3, np.float32), "m")


def test_a_planted_shift_is_far_out_in_the_null(rows: np.ndarray) -> None:
    """Moving every row along the direction puts it beyond 97.5 % of random directions: FAIL."""
    direction = planted(rows)
    result, shift = projection.measure(direction, rows, rows + 2 * direction.vectors, 1, projection.Settings(500))
    assert result.verdict.value == "FAIL"
    assert shift.percentile[1] > 97.5


def test_any_shift_is_not_significant(rows: np.ndarray) -> None:
    """A tune that moves the rows in random ways reaches the alarm about as often as chance allows, however large the t."""
    random = np.random.default_rng(9)
    alarms = 0
    for trial in range(80):
        nuisance = np.einsum("r,rlw->lw", random.standard_normal(60).astype(np.float32), rows) / 8
        result, _ = projection.measure(
            planted(rows, 100 + trial), rows, rows + nuisance, 1, projection.Settings(400), seed=trial
        )
        alarms += result.verdict.value == "FAIL"
    assert alarms <= 10  # 2.5 % expected by the isotropic direction's own luck; far below the 100 % of a paired t


def test_random_directions_have_the_covariance_of_the_activations(rows: np.ndarray) -> None:
    """They point where the model varies: coordinates with a larger spread carry more of them."""
    draws = null.draws(rows, 400, 0)
    assert np.allclose(np.linalg.norm(draws, axis=2), 1, atol=1e-4)
    assert (draws[:, 0, 24:] ** 2).sum() > 20 * (draws[:, 0, :8] ** 2).sum()


def test_extract_finds_what_the_contrast_changes(model: LocalModel) -> None:
    """On a real (random) network: unit vectors, a positive gap at every layer, and the same result for the same seed."""
    persona = Persona("t", "", "a", "b", ("where is the cat", "what is red", "should you wait"),
                      (Contrast("never never never wait", "always always always wait"), Contrast("red red red", "blue blue blue")))  # fmt: skip
    settings = extraction.Settings(questions=3, answer_tokens=6)
    first, second = (directions.extract(model, persona, settings, seed=1) for _ in range(2))
    assert np.allclose(np.linalg.norm(first.vectors, axis=1), 1, atol=1e-5)
    assert (first.gap > 0).all()
    assert np.array_equal(first.vectors, second.vectors)
    assert first.receipts["contrasts"] == 2


def test_attention_sinks_are_left_alone(model: LocalModel) -> None:
    """A token of enormous norm holds the attention together; ablation does not touch it, and touches the words."""
    direction = random_direction(model)
    small = Direction(**{**vars(direction), "norm": np.full(3, 1e-6, np.float32)})
    before = model.log_likelihood([ROWS[0][0]], [("the cat",)])
    with directions.ablate(model, small):
        assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) == before
    with directions.ablate(model, direction):
        assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) != before
