"""What a pass reads is known, and a block that is bypassed is told."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint
from test_steering import ROWS, direction

from wolfnote import InputError, RunError, directions, models
from wolfnote.directions import steering
from wolfnote.directions.activations import answer_means
from wolfnote.directions.monitor import monitor
from wolfnote.directions.passes import followed
from wolfnote.models import Question, Sampling
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def seen(model: LocalModel, **given: Any) -> Any:
    """The tokens of one pass over ``given``, as followed at block 1."""
    from wolfnote.directions.activations import hooked

    found = []
    with followed(model, [1]) as passes:
        with hooked(model.network.module, lambda layer, h: found.append(passes.tokens(1, h)) if layer == 1 else None):
            model.network.module(**given)
    return found[0]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_is_never_steered(model: LocalModel, side: str) -> None:
    """Tokens that the mask leaves out keep what the plain model gives them, and the others are pushed."""
    mask = torch.tensor([[0, 0, 1, 1, 1]] if side == "left" else [[1, 1, 1, 0, 0]])
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    outputs = []

    def look(_: Any, __: Any, output: torch.Tensor) -> None:
        outputs.append(output.detach().clone())

    def read() -> torch.Tensor:
        with model.active() as module:
            handle = module.model.layers[1].register_forward_hook(look)
            module(ids, attention_mask=mask)
            handle.remove()
        return outputs.pop()

    plain = read()
    with steering.steer(model, direction(model, norm=100.0), 0.5, layers=[1]):
        moved = (read() - plain)[0].abs().amax(-1)
    assert (moved[mask[0] == 0] == 0).all()
    assert (moved[mask[0] == 1] > 1).all()


def test_labels_mark_the_answer(model: LocalModel) -> None:
    """In direct use prompt, answer and the token before it are read off the labels."""
    ids = torch.tensor([[5, 6, 7, 8]])
    tokens = seen(model, input_ids=ids, labels=torch.tensor([[-100, -100, 7, 8]]))
    assert tokens.at("prompt").tolist() == [[True, True, False, False]]
    assert tokens.at("decode").tolist() == [[False, False, True, True]]
    assert tokens.at("answer").tolist() == [[False, True, True, True]]


def test_a_prompt_of_one_token_is_a_prompt(model: LocalModel) -> None:
    """What the cache holds decides, not how long the pass is: one token over an empty cache is prompt, over a filled one answer."""
    from transformers import DynamicCache

    cache = DynamicCache()
    first = seen(model, input_ids=torch.tensor([[5]]), past_key_values=cache)
    second = seen(model, input_ids=torch.tensor([[6]]), past_key_values=cache)
    assert first.at("prompt").all()
    assert not first.at("decode").any()
    assert second.at("decode").all()
    assert not second.at("prompt").any()


def test_a_pass_that_tells_nothing_is_not_guessed(model: LocalModel) -> None:
    """Without labels, cache or announcement, prompt and answer are the same to a hook: an error, not a guess."""
    with steering.steer(model, direction(model), 1.0, positions="answer"), pytest.raises(RunError, match="labels or a cache"):
        with model.active() as module:
            module(torch.tensor([[5, 6, 7]]), use_cache=False)
    with pytest.raises(InputError, match="choose one of all, prompt"):
        with steering.steer(model, direction(model), 1.0, positions="response"):  # type: ignore[arg-type]
            pass


@pytest.mark.parametrize("positions", ["all", "prompt", "answer", "decode"])
def test_generating_and_scoring_steer_the_same_tokens(model: LocalModel, positions: Any) -> None:
    """Several prompts and answers in regrouped batches: the likelihood of an answer under steering is that of the same tokens
    read whole, one row at a time, with the answer marked by labels."""
    from wolfnote.models import chat

    found = direction(model, norm=20.0)
    prompts, answers = [p for p, _ in ROWS], [("the cat sleeps now", "a dog"), ("the house",), ("never", "never wait")]
    with steering.steer(model, found, 2.0, positions=positions, layers=[1]):
        batched = model.log_likelihood(prompts, answers)
        for prompt, options, scores in zip(prompts, answers, batched, strict=True):
            for answer, score in zip(options, scores, strict=True):
                encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, prompt), answer)
                ids = torch.tensor([encoded.ids])
                labels = ids.clone()
                labels[0, : encoded.start] = -100
                with model.active() as module:
                    mean = float(module(ids, labels=labels).loss)
                assert score.total == pytest.approx(-mean * score.tokens, abs=1e-3)
    assert batched != model.log_likelihood(prompts, answers)


def test_decoding_steers_what_labels_call_the_answer(model: LocalModel) -> None:
    """Greedy words drawn under ``decode`` with a cache are the likeliest ones when the text so far is read whole."""
    from wolfnote.models import chat

    found, question = direction(model, norm=20.0), ask("what is red")
    ids = list(model.tokenizer(chat.prompt_text(model.tokenizer, question), add_special_tokens=False)["input_ids"])
    drawn: list[int] = []
    with steering.steer(model, found, 3.0, positions="decode", layers=[1]):
        (said,) = model.generate([Question("q", question)], Sampling(temperature=0, max_tokens=8))
        with model.active() as module:
            for _ in range(8):
                whole = torch.tensor([ids + drawn])
                labels = whole.clone()
                labels[0, : len(ids)] = -100
                drawn.append(int(module(whole, labels=labels).logits[0, -1].argmax()))
                if drawn[-1] == model.tokenizer.eos_token_id:
                    break
    assert said.text == model.tokenizer.decode(drawn, skip_special_tokens=True).strip()
    assert len(drawn) > 2


class Fast(torch.nn.Module):
    """Runs a block without calling it: its hooks never fire."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, *inputs: Any, **given: Any) -> Any:
        return self.block.forward(*inputs, **given)


class Recomputed(Fast):
    """Checkpoints the call of a block, so that its hooks fire again in the backward pass, as transformers did before 5.2x."""

    def forward(self, *inputs: Any, **given: Any) -> Any:
        return torch.utils.checkpoint.checkpoint(partial(self.block, **given), *inputs, use_reentrant=False)


def through(model: LocalModel, kind: type[Fast], *, decoding: bool) -> None:
    """Let the decoder run its blocks through ``kind``, in every pass or only over a filled cache."""
    decoder = model.network.module.model
    plain, layers = decoder.forward, decoder.layers

    def forward(*inputs: Any, **given: Any) -> Any:
        cache = given.get("past_key_values")
        now = not decoding or (cache is not None and cache.get_seq_length() > 0)
        decoder.layers = torch.nn.ModuleList(kind(block) for block in layers) if now else layers
        try:
            return plain(*inputs, **given)
        finally:
            decoder.layers = layers

    decoder.forward = forward


def test_blocks_bypassed_while_decoding_are_told_at_once(model: LocalModel) -> None:
    """A decoder that calls its blocks' parts itself when decoding passes the live proof; steering it, ablating it or watching
    it then fails in the first such pass, and no half-steered text comes out."""
    through(model, Fast, decoding=True)
    question = [Question("q", ask("what is red"))]
    assert model.generate(question, Sampling(max_tokens=4))
    found = direction(model, norm=20.0)
    changes = [steering.steer(model, found, 1.0), directions.ablate(model, found), monitor(model, found, 1)]
    for change in changes:
        with change, pytest.raises(RunError, match="fired 0 times in a pass, not once: something bypasses"):
            model.generate(question, Sampling(max_tokens=4))
    assert model.network.audience.listeners == []


LABELLED = {"input_ids": torch.tensor([[5, 6, 7, 8]]), "labels": torch.tensor([[-100, -100, 7, 8]]), "use_cache": False}


def test_gradient_checkpointing_fires_twice_to_the_same_effect(model: LocalModel) -> None:
    """A block that is computed again in the backward pass is steered again, at the same positions: the same gradients."""
    module = model.network.module
    fired = []
    handle = module.model.layers[1].register_forward_hook(lambda *_: fired.append(1))

    def gradient() -> torch.Tensor:
        module.zero_grad()
        fired.clear()
        with steering.steer(model, direction(model, norm=20.0), 0.5, positions="answer"):
            module(**LABELLED).loss.backward()
        return module.model.embed_tokens.weight.grad.clone()

    plain = gradient()
    assert len(fired) == 2  # the live proof of the blocks, and the pass
    assert torch.equal(gradient(), plain)
    assert len(fired) == 1
    through(model, Recomputed, decoding=False)
    again = gradient()
    assert len(fired) == 2
    handle.remove()
    assert torch.allclose(again, plain, atol=1e-6)


def test_recomputation_of_an_older_pass_is_refused_where_positions_matter(model: LocalModel) -> None:
    """With gradient checkpointing, two passes and then one backward pass would mix up which tokens are the answer."""
    module = model.network.module
    with steering.steer(model, direction(model, norm=20.0), 0.5, positions="answer"):
        through(model, Recomputed, decoding=False)
        module(**LABELLED).loss.backward()
        losses = [module(**LABELLED).loss for _ in range(2)]
        with pytest.raises(RunError, match="a backward pass after each pass"):
            sum(losses).backward()


def test_hooks_follow_an_adapter(tiny: str) -> None:
    """PEFT wraps the module; passes are followed and steered through the wrapper as through the bare model."""
    from peft import LoraConfig, get_peft_model

    model = models.open_local(tiny)
    found = direction(model, norm=20.0)
    with steering.steer(model, found, 1.0, positions="answer"):
        plain = model.log_likelihood([ROWS[0][0]], [("the cat",)])
    model.network.module = get_peft_model(model.network.module, LoraConfig(r=2, target_modules="all-linear"))
    with steering.steer(model, found, 1.0, positions="answer"):
        wrapped = model.log_likelihood([ROWS[0][0]], [("the cat",)])
    assert wrapped[0][0].total == pytest.approx(plain[0][0].total, abs=1e-5)
    assert np.isfinite(wrapped[0][0].total)


def test_a_compiled_model_is_read_and_steered(tiny: str) -> None:
    """Hooks that come after compilation are not ignored, and the same numbers come out as without it."""
    model = models.open_local(tiny)
    found = direction(model)
    plain = answer_means(model, ROWS)
    with steering.steer(model, found, 0.5):
        wanted = answer_means(model, ROWS)
    module = model.network.module
    module.forward = torch.compile(module.forward, backend="eager")
    try:
        assert np.allclose(answer_means(model, ROWS), plain, atol=1e-4)  # compiled now, before any hook that steers
        with steering.steer(model, found, 0.5):
            assert np.allclose(answer_means(model, ROWS), wanted, atol=1e-4)
        assert not np.allclose(wanted, plain, atol=1e-2)
    finally:
        torch._dynamo.reset()
