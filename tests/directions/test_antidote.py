"""The rank-one antidote equals the hook, can be switched off, works over a quantised base, and is refused where it would not do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from test_baking import RESCALED, direction, opened

from small import EXPERTS, GPT, LLAMA
from wolfnote import RunError, models
from wolfnote.directions import baking
from wolfnote.directions.antidote import antidote
from wolfnote.records import chat as ask

Tiny = Callable[[str, Any], Path]
REACHED = {
    "Llama": LLAMA,
    "Qwen2": LLAMA | {"tie_word_embeddings": True},
    "Qwen3": LLAMA,
    "Mistral": LLAMA,
    "Phi3": LLAMA,
    "Granite": LLAMA,
    "SmolLM3": LLAMA,
}
QUESTION = [ask("what is red")], [("the house",)]


@pytest.mark.parametrize("name", REACHED)
def test_it_equals_the_hook_and_can_be_switched_off(name: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Logits within 1e-4 in float32, nothing left along the direction; the base beside it answers as before."""
    model = opened(name, REACHED[name], tiny_of)
    before = model.log_likelihood(*QUESTION)
    found = antidote(model, direction(model), tmp_path / "antidote")
    assert found.difference < 1e-4
    assert found.left < 1e-5
    cured = model.adapted(tmp_path / "antidote")
    baked = baking.bake(model, direction(model), tmp_path / "baked")
    again = models.open_local(f"hf:{baked.folder}").log_likelihood(*QUESTION)
    assert cured.log_likelihood(*QUESTION)[0][0].total == pytest.approx(again[0][0].total, abs=1e-3)
    assert cured.log_likelihood(*QUESTION)[0][0].total != pytest.approx(before[0][0].total, abs=1e-3)
    assert model.log_likelihood(*QUESTION) == before


def test_half_the_strength_takes_half_out(tiny: str, tmp_path: Path) -> None:
    """What is left along the direction falls with the strength."""
    model = models.open_local(tiny)
    unit = torch.from_numpy(direction(model).vectors[1])
    left = []
    for strength in (0.0, 0.5, 1.0):
        antidote(model, direction(model), tmp_path / str(strength), strength=strength)
        module = transformers.AutoModelForCausalLM.from_pretrained(model.network.path)
        from peft import PeftModel

        left.append(baking.left_along(PeftModel.from_pretrained(module, tmp_path / str(strength)).get_base_model(), unit))
    assert left[0] > left[1] > left[2]
    assert left[2] < 1e-5


@pytest.mark.parametrize("precision", ["bfloat16", "4-bit"])
def test_over_a_rounded_base(precision: str, tiny_of: Tiny, tmp_path: Path) -> None:
    """Made from exact weights, loaded over rounded ones: much less than before is left along the direction."""
    import numpy as np

    from wolfnote.directions.direction import Direction

    config = transformers.LlamaConfig(**(LLAMA | {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}))
    path = f"hf:{tiny_of('wide', config)}"
    exact = models.open_local(path)
    vectors = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ones = np.ones(3, np.float32)
    antidote(exact, Direction("t", vectors, 0 * ones, ones, ones, ones, exact.fingerprint), tmp_path / "a")
    rounded = models.open_local(path, local=models.Local("cpu", precision))
    unit = torch.from_numpy(vectors[1])
    plain = baking.left_along(rounded.network.module, unit)
    with rounded.adapted(tmp_path / "a").active() as module:
        cured = baking.left_along(module.get_base_model(), unit)
    assert cured < 0.35 * plain


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("Gemma2", RESCALED["Gemma2"], "norms stand behind"),
        ("Mixtral", EXPERTS, "experts are stacked"),
        ("GPTNeoX", {k: v for k, v in LLAMA.items() if k not in ("num_key_value_heads", "head_dim")}, "writers have biases"),
        ("GPT2", GPT, "positions are learnt"),
    ],
)
def test_where_lora_does_not_reach_it_is_refused(
    name: str, fields: dict[str, Any], says: str, tiny_of: Tiny, tmp_path: Path
) -> None:
    """One line that says why and what to do instead; nothing is saved."""
    model = opened(name, fields, tiny_of)
    with pytest.raises(RunError, match=f"{says}.*bake it instead"):
        antidote(model, direction(model), tmp_path / "antidote")
    assert not (tmp_path / "antidote").exists()
