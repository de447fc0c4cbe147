"""Steering moves what it should, by as much as it says, and leaves no trace behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Tiny
from wolfnote import InputError, Mismatch, RunError, directions, models
from wolfnote.directions import ablation, activations, baking, intervention, steering
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


def test_each_question_gets_its_own_dose(model: LocalModel) -> None:
    """Batches are sorted, repeated and merged, and yet each prompt and question is pushed as it is when asked alone."""
    found = direction(model, norm=20.0)
    prompts, doses = [p for p, _ in ROWS], [1.5, 0.0, -2.0]
    questions = [Question(str(i), p) for i, p in enumerate(prompts)]
    how, answers = Sampling(temperature=0, max_tokens=5), [("the cat sleeps", "never"), ("the house", "a"), ("it is", "red")]
    with steering.steer(model, found, doses):
        said = [c.text for c in model.generate(questions, how)]
        read = model.log_likelihood(prompts, answers)
    for i, dose in enumerate(doses):
        with steering.steer(model, found, dose):
            assert model.generate([questions[i]], how)[0].text == said[i]
            (alone,) = model.log_likelihood([prompts[i]], [answers[i]])
        assert [s.total for s in read[i]] == pytest.approx([s.total for s in alone], abs=1e-3)
    assert model.network.audience.apart == 0


def test_activations_are_read_under_each_rows_own_dose_and_positions(model: LocalModel) -> None:
    """Rows are read in batches by length, and yet each is moved by its own dose, at answer tokens only where that is wanted."""
    found = direction(model, norm=1e6)
    plain = directions.answer_means(model, ROWS)
    doses = [1e-5, 0.0, -2e-5]
    with steering.steer(model, found, doses, layers=[1], positions="decode"):
        moved = directions.answer_means(model, ROWS)
    wanted = np.array(doses)[:, None] * 1e6 * found.vectors[1]
    assert np.allclose((moved - plain)[:, 1], wanted, atol=1e-3)
    with steering.steer(model, found, doses, layers=[1], positions="prompt"):
        assert np.allclose(directions.answer_means(model, ROWS)[:, 1], plain[:, 1], atol=1e-5)


def test_doses_that_fit_no_question_are_refused(model: LocalModel) -> None:
    """Too few, too many, or a pass that names no questions: an error, never a dose on the wrong row."""
    found, question = direction(model), [Question("q", ROWS[0][0])]
    with steering.steer(model, found, [1.0, 2.0]):
        with pytest.raises(RunError, match="2 doses for 1 questions"):
            model.generate(question, Sampling(max_tokens=2))
        with pytest.raises(RunError, match="names no questions"), model.active() as module:
            module(torch.tensor([[5, 6, 7]]))
    with pytest.raises(InputError, match="not a finite dose"), steering.steer(model, found, float("nan")):
        pass
    with pytest.raises(InputError, match="choose among 0 … 2"), steering.steer(model, found, 1.0, layers=[3]):
        pass


def test_two_blocks_of_doses_never_share_a_fingerprint(model: LocalModel) -> None:
    """Doses go by place in a call, so an answer stored under one list must not be found under another call's."""
    names = set()
    for _ in range(2):
        with steering.steer(model, direction(model), [1.0, 2.0]):
            names.add(model.fingerprint)
    assert len(names) == 2


def outputs(model: LocalModel, layer: int) -> torch.Tensor:
    """What one block gives on a fixed text, [tokens, width], interventions included."""
    found: list[torch.Tensor] = []
    ids = model.tokenizer(chat.prompt_text(model.tokenizer, ROWS[0][0]), return_tensors="pt")["input_ids"]
    with model.active() as module:
        with activations.hooked(module, lambda at, h: found.append(h[0].clone()) if at == layer else None):
            module(ids)
    return found[0]


def calm(model: LocalModel) -> Direction:
    """A direction whose sinks are out of reach and whose z-scores are of the order of one."""
    found = direction(model, norm=1e6)
    for layer in range(3):
        along = outputs(model, layer).numpy() @ found.vectors[layer]
        found.neutral[layer], found.spread[layer] = along.mean(), along.std()
    return found


def z(found: Direction, layer: int, hidden: torch.Tensor) -> np.ndarray:
    return (hidden.numpy() @ found.vectors[layer] - found.neutral[layer]) / found.spread[layer]


def test_a_gate_pushes_only_what_lies_beyond_it(model: LocalModel) -> None:
    """Tokens above the threshold move by the dose; the others keep every bit."""
    found = calm(model)
    before = outputs(model, 1)
    over = z(found, 1, before) > 0.5
    with steering.steer(model, found, -1e-5, layers=[1], above=0.5):
        after = outputs(model, 1)
    assert 0 < over.sum() < len(over)
    assert torch.equal(after[~over], before[~over])
    assert np.allclose((after - before)[over] @ torch.from_numpy(found.vectors[1]), -10.0, atol=1e-3)


def test_a_clamp_holds_the_range_and_touches_nothing_inside(model: LocalModel) -> None:
    """z-scores end between the two ends; tokens that lay there keep their activations."""
    found = calm(model)
    before = outputs(model, 1)
    inside = np.abs(z(found, 1, before)) < 0.5
    with steering.clamp(model, found, -0.5, 0.5, layers=[1]):
        after = outputs(model, 1)
        assert ":-0.5..0.5:" in model.fingerprint
    assert 0 < inside.sum() < len(inside)
    assert np.abs(z(found, 1, after)).max() < 0.5 + 1e-4
    assert torch.allclose(after[inside], before[inside], atol=1e-5)
    with pytest.raises(InputError, match="an empty range"), steering.clamp(model, found, 1, 0):
        pass


def test_a_clamp_to_zero_is_the_ablation(model: LocalModel) -> None:
    """The two are one formula: the same likelihoods."""
    found = calm(model)
    with steering.clamp(model, found, 0, 0):
        clamped = model.log_likelihood([ROWS[0][0]], [("the cat",)])[0][0].total
    with directions.ablate(model, found):
        assert model.log_likelihood([ROWS[0][0]], [("the cat",)])[0][0].total == pytest.approx(clamped, abs=1e-4)


@pytest.mark.parametrize("kind", ["bloom", "falcon"])
def test_blocks_that_give_tuples_are_steered(tiny_of: Tiny, kind: str) -> None:
    """Real families whose blocks return a tuple: the first entry moves by the dose, generation goes on."""
    from transformers import BloomConfig, FalconConfig

    shape = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "vocab_size": 320, "eos_token_id": 1,
             "bos_token_id": None, "pad_token_id": 1}  # fmt: skip
    config = BloomConfig(**shape) if kind == "bloom" else FalconConfig(**shape, new_decoder_architecture=False)
    model = models.open_local(f"hf:{tiny_of(kind, config)}")
    found = direction(model, norm=1e6)
    before = outputs(model, 1)
    with steering.steer(model, found, 1e-5, layers=[1]):
        assert np.allclose((outputs(model, 1) - before) @ torch.from_numpy(found.vectors[1]), 10.0, atol=1e-2)
        assert model.generate([Question("q", ROWS[0][0])], Sampling(max_tokens=3))


def test_bfloat16_projector_leaves_no_residue(model: LocalModel) -> None:
    """Vector maths is float32 whatever the model's width: what is left along the vector is the rounding of the result, an
    order below what a bfloat16 projector leaves, and the block's output keeps its dtype."""
    found = direction(model, norm=1e6)
    found.neutral[:] = 0
    model.network.module.to(torch.bfloat16)
    v = torch.from_numpy(found.vectors[1])
    plain = outputs(model, 1)
    coarse = plain - (plain @ v.bfloat16())[:, None] * v.bfloat16()
    with directions.ablate(model, found):
        clean = outputs(model, 1)
    assert clean.dtype == torch.bfloat16
    scale = plain.float().norm(dim=-1)
    left, naive = (float(((h.float() @ v).abs() / scale).mean()) for h in (clean, coarse))
    assert left < 2**-9
    assert left < naive


def test_a_span_is_taken_out_whole(model: LocalModel) -> None:
    """After ablating three directions nothing but the neutral mean is left along any of them, or along any mix of them."""
    several = [calm(model), direction(model, norm=1e6, seed=1), direction(model, norm=1e6, seed=2)]
    mean = outputs(model, 1).mean(0).numpy()
    for found in several:
        found.neutral[1] = mean @ found.vectors[1]
    with directions.ablate(model, several):
        after = outputs(model, 1).numpy() - mean
    for found in several:
        assert np.abs(after @ found.vectors[1]).max() < 1e-3
    mix = several[0].vectors[1] - 2 * several[1].vectors[1] + several[2].vectors[1]
    assert np.abs(after @ mix).max() < 3e-3
    assert np.abs(after @ direction(model, seed=3).vectors[1]).max() > 0.1


def test_a_direction_given_twice_is_taken_out_once(model: LocalModel) -> None:
    """Directions that coincide span one axis: the same as one alone, and no noise is blown up to an axis."""
    found = calm(model)
    axes, _ = ablation.span([found, found])
    assert np.allclose(np.linalg.norm(axes, axis=2), [[1, 0]] * 3, atol=1e-5)
    with directions.ablate(model, found):
        alone = outputs(model, 2)
    with directions.ablate(model, [found, found]):
        assert torch.allclose(outputs(model, 2), alone, atol=1e-3)


def test_ablation_everywhere_is_what_bake_leaves(model: LocalModel, tmp_path: Path) -> None:
    """The hook form and the baked folder give the same likelihoods and the same words; the model itself is as before."""
    found = direction(model)
    baking.bake(model, found, tmp_path / "baked")
    baked = models.open_local(f"hf:{tmp_path / 'baked'}")
    prompts, answers = [p for p, _ in ROWS], [(a, "the house") for _, a in ROWS]
    plain = model.log_likelihood(prompts, answers)
    with ablation.ablate_everywhere(model, found):
        assert "everywhere" in model.fingerprint
        hooked = model.log_likelihood(prompts, answers)
        said = [c.text for c in model.generate([Question("q", prompts[0])], Sampling(temperature=0, max_tokens=6))]
    wanted = [[s.total for s in row] for row in baked.log_likelihood(prompts, answers)]
    assert np.allclose([[s.total for s in row] for row in hooked], wanted, atol=1e-3)
    assert not np.allclose([[s.total for s in row] for row in plain], wanted, atol=0.02)
    assert said == [c.text for c in baked.generate([Question("q", prompts[0])], Sampling(temperature=0, max_tokens=6))]
    assert model.log_likelihood(prompts, answers) == plain


def test_vectors_follow_each_blocks_device_and_width() -> None:
    """Numbers are handed out beside the hidden states: on their device, in their (wide) dtype, usable under autograd."""
    beside = intervention.Beside(vectors=np.ones((2, 4), np.float32))
    with torch.inference_mode():
        inner = beside("vectors", 0, torch.zeros(1, dtype=torch.float64))
    assert inner.dtype == torch.float64
    assert beside("vectors", 1, torch.zeros(1, device="meta")).device.type == "meta"
    hidden = torch.zeros(4, requires_grad=True)
    (hidden * beside("vectors", 0, hidden)).sum().backward()
    assert hidden.grad is not None
