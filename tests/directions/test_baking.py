"""Baked weights equal the hook, family by family, or are refused; what is saved cannot write along the direction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from small import EXPERTS, GPT, LLAMA
from wolfnote import Mismatch, RunError, models
from wolfnote.directions import baking
from wolfnote.directions.direction import Direction
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

EQUAL: dict[str, dict[str, Any]] = {
    "Llama": LLAMA,
    "Qwen2": LLAMA | {"tie_word_embeddings": True},
    "Mistral": LLAMA | {"sliding_window": 6},
    "Mixtral": EXPERTS,
    "Qwen3Moe": EXPERTS,
    "GptOss": EXPERTS | {"sliding_window": 6},
    "GPT2": GPT,
    "GPTNeoX": {k: v for k, v in LLAMA.items() if k not in ("num_key_value_heads", "head_dim")},
    "Phi3": LLAMA,
    "Granite": LLAMA,
}
RESCALED = {
    "Gemma2": LLAMA | {"sliding_window": 6, "query_pre_attn_scalar": 8},
    "Gemma3Text": LLAMA | {"sliding_window": 6, "sliding_window_pattern": 2},
    "Olmo2": LLAMA,
}
Tiny = Callable[[str, Any], Path]


def opened(name: str, fields: dict[str, Any], tiny_of: Tiny) -> LocalModel:
    return models.open_local(f"hf:{tiny_of(name, getattr(transformers, f'{name}Config')(**fields))}")


def direction(model: LocalModel) -> Direction:
    vectors = np.random.default_rng(0).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ones = np.ones(3, np.float32)
    return Direction("test", vectors, 0 * ones, ones, ones, ones, model.fingerprint)


@pytest.mark.parametrize("name", EQUAL)
def test_baked_equals_hooked_and_opens_again(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Within 1e-4 in float32: tied and untied, fused experts both ways round, Conv1D, parallel blocks. The folder opens, and
    answers as the baked module did; the model in memory is as it was."""
    model = opened(name, EQUAL[name], tiny_of)
    before = model.log_likelihood([ask("what is red")], [("the house",)])
    found = baking.bake(model, direction(model), tmp_path / "baked")
    assert found.difference < 1e-4
    assert found.left < 1e-5
    assert not found.rescaled
    again = models.open_local(f"hf:{tmp_path / 'baked'}")
    unit = torch.from_numpy(direction(model).vectors[1])
    assert baking.left_along(again.network.module, unit / unit.norm()) < 1e-5
    assert again.log_likelihood([ask("what is red")], [("the house",)]) != before
    assert model.log_likelihood([ask("what is red")], [("the house",)]) == before


@pytest.mark.parametrize("name", RESCALED)
def test_behind_a_norm_nothing_is_written_and_the_difference_is_told(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Gemma-like: orthogonal to the norm's gain times v, so the write along v is gone; the divisor makes the rest differ."""
    model = opened(name, RESCALED[name], tiny_of)
    with torch.no_grad():  # gains that are not all alike, or the trap would not show
        for key, parameter in model.network.module.named_parameters():
            if "layernorm" in key:
                parameter.copy_(torch.rand_like(parameter) + 0.2)
    model.network.module.save_pretrained(model.network.path)
    found = baking.bake(model, direction(model), tmp_path / "baked")
    assert found.left < 1e-5
    assert found.rescaled
    assert found.difference > 0


def test_naive_orthogonalisation_would_leave_something(tiny_of: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trap itself: with v in place of gain times v, a Gemma writes along v still, and that is refused."""
    model = opened("Gemma2", RESCALED["Gemma2"], tiny_of)
    with torch.no_grad():
        for key, parameter in model.network.module.named_parameters():
            if "layernorm" in key:
                parameter.copy_(torch.rand_like(parameter) * 2)
    model.network.module.save_pretrained(model.network.path)
    monkeypatch.setattr(baking, "_norm", lambda *_: None)
    with pytest.raises(RunError, match="still lies along it"):
        baking.bake(model, direction(model), tmp_path / "baked")
    assert not (tmp_path / "baked").exists()


@pytest.mark.parametrize("name", ["Mamba", "Bloom"])
def test_what_the_rule_does_not_cover_is_refused(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """A mixer without two writers; a norm behind the embeddings: one line each, and nothing is saved."""
    fields = {"hidden_size": 32, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1}
    more = {"num_hidden_layers": 3, "state_size": 8} if name == "Mamba" else {"n_layer": 3, "n_head": 4}
    model = opened(name, fields | more, tiny_of)
    with pytest.raises(RunError, match="use the hook"):
        baking.bake(model, direction(model), tmp_path / "baked")
    assert not (tmp_path / "baked").exists()


def test_an_adapter_is_merged_first(tiny: str, tmp_path: Path) -> None:
    """A tune writes through its own matrices too: they are merged, and the whole loses the direction."""
    from peft import LoraConfig, get_peft_model

    base = models.open_local(tiny)
    torch.manual_seed(1)
    module = transformers.AutoModelForCausalLM.from_pretrained(base.network.path)
    get_peft_model(module, LoraConfig(r=4, target_modules=["o_proj", "down_proj"], init_lora_weights=False)).save_pretrained(
        tmp_path / "adapter"
    )
    tuned = base.adapted(tmp_path / "adapter")
    found = baking.bake(tuned, direction(base), tmp_path / "baked")
    assert found.left < 1e-5
    assert found.difference < 1e-4


def test_another_models_direction_is_refused(tiny: str, tmp_path: Path) -> None:
    """Found elsewhere, it means nothing here."""
    model = models.open_local(tiny)
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch):
        baking.bake(model, foreign, tmp_path / "baked")
