"""Steering moves what it should, by as much as it says, and leaves no trace behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wolfnote import Mismatch, directions, models
from wolfnote.directions import activations, steering
from wolfnote.directions.direction import Direction
from wolfnote.models import Question, Sampling, chat
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

ROWS = [(ask("where is the cat"), "the cat sleeps now"), (ask("what is red"), "the house"), (ask("should you wait"), "never")]


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def direction(model: LocalModel, norm: float = 1e3, seed: int = 0) -> Direction:
    vectors = np.random.default_rng(seed).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ones = np.ones(3, np.float32)
    return Direction("test", vectors, 0 * ones, ones, ones, norm * ones, model.fingerprint)


def test_the_stream_moves_by_the_dose_times_the_norm(model: LocalModel) -> None:
    """At a steered block, exactly dose × norm along the vector and nothing across it, both ways."""
    found = direction(model, norm=50.0)
    found.norm[:] = 1e4  # far above any token: no sink among them
    plain = directions.answer_means(model, ROWS)
    for dose in (0.01, -0.02):
        with steering.steer(model, found, dose, layers=range(1, 2)):
            moved = directions.answer_means(model, ROWS)
        assert np.allclose(moved[:, 0], plain[:, 0])
        assert np.allclose(moved[:, 1] - plain[:, 1], dose * 1e4 * found.vectors[1], atol=1e-2)


def test_more_dose_moves_further_downstream(model: LocalModel) -> None:
    """The projection at a later block grows with the dose, from below zero to above."""
    found = direction(model, norm=30.0)
    along = []
    for dose in (-2.0, -1.0, 0.0, 1.0, 2.0):
        with steering.steer(model, found, dose, layers=range(0, 1)):
            along.append(float((directions.answer_means(model, ROWS)[:, 0] @ found.vectors[0]).mean()))
    assert along == sorted(along)
    assert along[4] - along[0] == pytest.approx(4 * 30.0, rel=0.2)


def test_sinks_are_left_alone(model: LocalModel) -> None:
    """A token far longer than a word keeps its activations: with a tiny norm every token is a sink."""
    plain = directions.answer_means(model, ROWS)
    with steering.steer(model, direction(model, norm=1e-6), 5.0):
        assert np.array_equal(directions.answer_means(model, ROWS), plain)


def test_hooks_are_gone_after_an_exception_and_the_fingerprint_tells(model: LocalModel) -> None:
    """Dose and layers are part of the name under which numbers are kept."""
    before, name = model.log_likelihood([ROWS[0][0]], [("the cat",)]), model.fingerprint
    with pytest.raises(ZeroDivisionError), steering.steer(model, direction(model), 0.5):
        assert model.fingerprint.startswith(f"{name}|steer:")
        assert ":0.5:" in model.fingerprint
        assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) != before
        raise ZeroDivisionError
    assert model.fingerprint == name
    assert model.log_likelihood([ROWS[0][0]], [("the cat",)]) == before


def test_kv_cache_steers_every_token_once(model: LocalModel) -> None:
    """Generated with a cache, one token at a time, a steered text is the likeliest one under the steered model read whole."""
    found = direction(model, norm=20.0)
    with steering.steer(model, found, 1.0):
        (said,) = model.generate([Question("q", ask("what is red"))], Sampling(temperature=0, max_tokens=8))
        prompt = chat.prompt_text(model.tokenizer, ask("what is red"))
        ids = list(model.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        drawn = []
        with model.active() as module:
            for _ in range(8):  # no cache: the whole text anew for each token
                drawn.append(int(module(torch.tensor([ids + drawn])).logits[0, -1].argmax()))
                if drawn[-1] == model.tokenizer.eos_token_id:
                    break
    assert said.text == model.tokenizer.decode(drawn, skip_special_tokens=True).strip()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_pass_with_checkpointing_and_without(model: LocalModel, checkpointing: bool) -> None:
    """Nothing is written in place: autograd accepts it, and switching checkpointing on leaves the gradient as it was.

    Whether the hook fires again on recomputation is up to transformers, which keeps it outside its checkpoint today."""
    found = direction(model, norm=20.0)
    module = model.network.module
    ids = torch.tensor([[5, 6, 7, 8]])

    def gradient() -> torch.Tensor:
        module.zero_grad()
        with steering.steer(model, found, 0.5):
            module(ids, labels=ids, use_cache=False).loss.backward()
        return module.model.embed_tokens.weight.grad.clone()

    module.train()
    plain = gradient()
    if checkpointing:
        module.activation_checkpointing_enable()
    again = gradient()
    assert plain.abs().sum() > 0
    assert torch.allclose(plain, again, atol=1e-6)


def test_another_models_direction_is_refused(model: LocalModel) -> None:
    """Found elsewhere, it means nothing here."""
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch, match="extract it anew"), steering.steer(model, foreign, 1.0):
        pass


def test_the_band_is_around_the_middle() -> None:
    """Of 30 blocks the three around the middle; of few, at least one."""
    assert list(steering.band(30)) == [13, 14, 15]
    assert len(steering.band(2)) == 1


@pytest.mark.parametrize("kind", [tuple, list])
def test_hooks_work_on_blocks_that_give_several_things(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    """A block's further outputs pass through untouched, whether they come as a tuple or a list."""

    class Pair(torch.nn.Module):
        def forward(self, hidden: torch.Tensor) -> object:
            return kind([hidden, "kept"])

    block = Pair()
    monkeypatch.setattr(activations, "blocks", lambda _: [block])
    with activations.hooked(None, lambda _, hidden: hidden + 1):
        out = block(torch.zeros(1, 1, 4))
    assert isinstance(out, kind)
    assert out[1] == "kept"
    assert float(out[0].sum()) == 4
