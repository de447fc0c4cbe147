"""The antidote equals the hook, can be switched off, works over a quantised base and over a tune, and is refused where it would
not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from editing import NORMED, WIDE, Tiny, direction, hooked_by_name, likelihoods, opened
from peft import LoraConfig, get_peft_model

from wolfnote import InputError, RunError, models
from wolfnote.directions import ablation, antidote, baking, proof, weights
from wolfnote.models import Local
from wolfnote.models.local import LocalModel

REACHED = ("Llama", "Qwen2", "Qwen3", "Mistral", "SmolLM3", "Phi3", "Granite")


def tuned(base: LocalModel, folder: Path, **options: Any) -> LocalModel:
    """The base under a random LoRA."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=2, init_lora_weights=False, **options)
    module = get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(base.network.path), config)
    module.save_pretrained(folder, save_embedding_layers=False)
    return base.adapted(folder)


@pytest.mark.parametrize("name", REACHED)
def test_it_equals_the_hook_and_can_be_switched_off(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Logits within 1e-4 of a hook that knows the family, in float32; the base beside it answers as before to the last bit."""
    model = opened(name, tiny_of)
    before, ids = likelihoods(model), proof.text(model.tokenizer)
    plane = ablation.axes(model, direction(model), 0.4).float()
    with hooked_by_name(model.network.module, name, plane):
        wanted, hooked = proof.logits(model.network.module, ids), likelihoods(model)
    found = antidote.write(model, direction(model), tmp_path / "antidote", depth=0.4)
    cured = model.adapted(tmp_path / "antidote")
    with cured.active() as module:
        logits = proof.logits(module, ids)
    assert torch.allclose(logits, wanted, rtol=0, atol=1e-4)
    assert likelihoods(cured) == pytest.approx(hooked, abs=1e-3)
    assert likelihoods(cured) != pytest.approx(before, abs=1e-2)
    assert likelihoods(model) == before
    assert found.difference < 1e-4
    assert max(found.left, found.rounded) < 1e-5 < 0.1 < found.before
    assert found.held < 1e-6


@pytest.mark.parametrize("name", NORMED)
def test_behind_a_norm_it_equals_baked_weights(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Gemma-like: nothing is written along the direction, the distance to the hook is told, and it is that of baked weights."""
    model = opened(name, tiny_of)
    found = antidote.write(model, direction(model), tmp_path / "antidote")
    baked = baking.bake(model, direction(model), tmp_path / "baked")
    assert max(found.left, found.rounded) < 1e-5
    assert found.difference == pytest.approx(baked.difference, rel=1e-3)
    again = models.open_local(f"hf:{baked.folder}")
    assert likelihoods(model.adapted(tmp_path / "antidote")) == pytest.approx(likelihoods(again), abs=1e-3)


def test_half_the_share_takes_half_out(tiny_of: Tiny, tmp_path: Path) -> None:
    """What is left along the direction falls with the share, and each share equals its hook."""
    model = opened("Llama", tiny_of)
    found = [antidote.write(model, direction(model), tmp_path / str(share), share=share) for share in (0.0, 0.5, 1.0)]
    assert found[0].left > found[1].left > found[2].left
    assert found[0].left == pytest.approx(found[0].before, rel=1e-6)
    assert found[2].left < 1e-5
    assert max(one.difference for one in found) < 1e-4


def test_several_directions_make_one_adapter(tiny_of: Tiny, tmp_path: Path) -> None:
    """Two directions, one rank each: nothing is left in their plane."""
    model = opened("Llama", tiny_of)
    both = [direction(model), direction(model, 1)]
    antidote.write(model, both, tmp_path / "antidote", depth=0.4)
    assert LoraConfig.from_pretrained(tmp_path / "antidote").r == 2
    with model.adapted(tmp_path / "antidote").active() as module:
        assert proof.left(module, proof.text(model.tokenizer), ablation.axes(model, both, 0.4)) < 1e-5


@pytest.mark.parametrize("targets", [["o_proj", "down_proj"], ["q_proj", "up_proj"], ["embed_tokens", "down_proj"]])
def test_over_a_tune_it_is_the_tune_without_the_direction(targets: list[str], tiny_of: Tiny, tmp_path: Path) -> None:
    """The tune writes along the direction through its own matrices: one adapter in its place equals the hooked *tune*, whether
    the tune touches writers, others or the embedding. Ranks 4 and 1 make 5 where they meet, at a scale of one everywhere."""
    base = opened("Llama", tiny_of)
    tune = tuned(base, tmp_path / "tune", target_modules=targets)
    plane = ablation.axes(base, direction(base), 0.4).float()
    plain = likelihoods(tune)
    with hooked_by_name(base.network.module.get_base_model(), "Llama", plane):
        hooked = likelihoods(tune)
    found = antidote.write(tune, direction(base), tmp_path / "antidote", depth=0.4)
    cured = base.adapted(tmp_path / "antidote")
    assert likelihoods(cured) == pytest.approx(hooked, abs=1e-3)
    assert likelihoods(cured) != pytest.approx(plain, abs=1e-2)
    config = LoraConfig.from_pretrained(tmp_path / "antidote")
    assert config.r == config.lora_alpha == (4 if targets == ["q_proj", "up_proj"] else 5)
    assert found.difference < 1e-4
    assert found.left < 1e-5


def test_a_tune_that_is_more_than_lora_is_refused(tiny_of: Tiny, tmp_path: Path) -> None:
    """DoRA rescales whole matrices: no sum of low ranks says that."""
    base = opened("Llama", tiny_of)
    tune = tuned(base, tmp_path / "tune", target_modules=["o_proj"], use_dora=True)
    with pytest.raises(RunError, match=r"more than plain LoRA \(use_dora\): bake it instead"):
        antidote.write(tune, direction(base), tmp_path / "antidote")
    assert not (tmp_path / "antidote").exists()


@pytest.mark.parametrize("precision", ["bfloat16", "4-bit"])
def test_over_a_rounded_base_it_cancels_what_that_base_writes(precision: Any, tiny_of: Tiny, tmp_path: Path) -> None:
    """Made from the weights as they compute: over four bits far less is left than by an adapter made from the exact weights,
    and what bfloat16 arithmetic leaves is told."""
    model = opened("Llama", tiny_of, local=Local("cpu", precision), **WIDE)
    exact = models.open_local(model.spec)
    found = antidote.write(model, direction(model), tmp_path / "antidote", depth=0.4)
    foreign = antidote.write(exact, direction(exact), tmp_path / "exact", depth=0.4)
    ids, plane = proof.text(model.tokenizer), ablation.axes(model, direction(model), 0.4)
    left = {}
    for name in ("antidote", "exact"):
        with model.adapted(tmp_path / name).active() as module:
            left[name] = proof.left(module, ids, plane)
    assert found.left < 1e-5
    assert found.precision == precision
    assert found.rounded == pytest.approx(left["antidote"], rel=1e-3)
    assert found.rounded < 0.02 < 0.1 < found.before
    assert foreign.left < 1e-5
    if precision == "4-bit":
        assert left["antidote"] < left["exact"] / 3


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Mixtral", "its experts are fused"),
        ("GptOss", "its (experts are fused|writers have biases)"),
        ("GPTNeoX", "its writers have biases"),
        ("GPT2", "its writers have biases"),
    ],
)
def test_where_lora_does_not_reach_it_is_refused(name: str, says: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """One line that says why and what to do instead; nothing is saved."""
    model = opened(name, tiny_of)
    with pytest.raises(RunError, match=f"{says}.*bake it instead"):
        antidote.write(model, direction(model), tmp_path / "antidote")
    assert list(tmp_path.iterdir()) == []


def test_the_adapter_knows_its_base_and_names_layers_as_servers_do(tiny_of: Tiny, tmp_path: Path) -> None:
    """Short names, for servers match those; another base of the same shape is refused; a folder in use is not written over."""
    model = opened("Llama", tiny_of)
    antidote.write(model, direction(model), tmp_path / "antidote")
    config = LoraConfig.from_pretrained(tmp_path / "antidote")
    assert set(config.target_modules) == {"embed_tokens", "o_proj", "down_proj"}
    with pytest.raises(InputError, match="tuned on weights"):
        opened("Llama", tiny_of, dtype=torch.bfloat16).adapted(tmp_path / "antidote")
    with pytest.raises(InputError, match="something here already"):
        antidote.write(model, direction(model), tmp_path / "antidote")
    assert weights.adapter(model) is None
