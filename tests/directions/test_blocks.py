"""The decoder blocks are found and proved on families nobody listed; what cannot be trusted is told loudly."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import families
import pytest
import torch
import transformers

from wolfnote import RunError, models
from wolfnote.directions import activations
from wolfnote.directions import blocks as room
from wolfnote.models.local import LocalModel

TEXT = [
    "afmoe",
    "apertus",
    "arcee",
    "bitnet",
    "bloom",
    "codegen",
    "ctrl",
    "falcon_mamba",
    "flex_olmo",
    "gemma",
    "glm4",
    "gpt-sw3",
    "gpt2",
    "gpt_bigcode",
    "gpt_neox",
    "gpt_oss",
    "gptj",
    "granite",
    "granitemoe",
    "helium",
    "hy_v3",
    "llama",
    "mamba",
    "mimo_v2_flash",
    "ministral3",
    "mistral",
    "mixtral",
    "modernbert-decoder",
    "nanochat",
    "nemotron_h",
    "olmo2",
    "opt",
    "persimmon",
    "phi",
    "phi3",
    "phimoe",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "qwen3_next",
    "recurrent_gemma",
    "rwkv",
    "seed_oss",
    "smollm3",
    "stablelm",
    "starcoder2",
    "xglm",
    "zamba",
    "gemma2",
    "gemma3_text",
    "cohere2",
    "jamba",
    "lfm2",
    "exaone4",
]
SEEING = [
    "aya_vision",
    "exaone4_5",
    "fuyu",
    "gemma3",
    "idefics3",
    "kosmos-2.5",
    "lfm2_vl",
    "llama4",
    "llava",
    "ovis2",
    "qwen3_vl",
    "video_llama_3",
]
BY_HAND = {
    "llama": "LlamaDecoderLayer", "gpt2": "GPT2Block", "gpt_oss": "GptOssDecoderLayer", "mixtral": "MixtralDecoderLayer",
    "bloom": "BloomBlock", "mamba": "MambaBlock", "llava": "LlamaDecoderLayer", "gemma3": "Gemma3DecoderLayer",
    "qwen3_vl": "Qwen3VLTextDecoderLayer", "rwkv": "RwkvBlock", "nemotron_h": "NemotronHBlock", "opt": "OPTDecoderLayer",
}  # fmt: skip


def proved(kind: str) -> str:
    """The class of the proved blocks, or why there are none."""
    try:
        module = families.build(kind)
        with torch.inference_mode():
            module(input_ids=torch.tensor([[5, 6, 7]]), use_cache=False)
    except Exception as error:  # whatever a family says to numbers that it was not made for
        return f"cannot be made small: {type(error).__name__}"
    found = room.find(module)
    room.prove(module, found)
    assert len(found) == module.config.get_text_config().num_hidden_layers
    return type(found[0]).__name__


@pytest.mark.filterwarnings("ignore")  # families warn of each other's settings
def test_blocks_are_found_and_proved_on_sixty_families() -> None:
    """Dense, sliding, fused experts, state space, hybrids, sandwich norms, vision-language: each by the one rule, each proved.

    A family that this generic shrinking cannot build is listed with the reason, not dropped; at least 60 are proved.
    """
    found = {kind: proved(kind) for kind in (*TEXT, *SEEING)}
    unbuilt = {kind: name for kind, name in found.items() if name.startswith("cannot")}
    assert len(found) - len(unbuilt) >= 60, unbuilt
    assert not unbuilt
    assert {kind: found[kind] for kind in BY_HAND} == BY_HAND


def llama() -> Any:
    return families.build("llama")


def test_a_model_that_runs_its_blocks_parts_by_itself_is_told() -> None:
    """As a fast decoder does (Unsloth): the block's own code runs, but the block is never called, so no hook fires."""
    module = llama()
    second = module.model.layers[1]

    class Fast(torch.nn.Module):
        """Stands in the list, and computes the block behind its back."""

        attention_type = "full_attention"

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return second.forward(*args, **kwargs)

    found = room.find(module)
    module.model.layers[1] = Fast()
    with pytest.raises(RunError, match="fired in the order"):
        room.prove(module, found)


def test_a_block_that_fires_twice_is_told() -> None:
    """A shared layer, or a recomputed one, would be read twice and edited twice."""
    module = llama()
    module.model.layers[2] = module.model.layers[1]
    with pytest.raises(RunError, match="fired in the order"):
        room.blocks(module)


def test_another_width_is_told() -> None:
    """Blocks that give something else than the residual stream."""
    module = llama()
    module.config.hidden_size = 16
    with pytest.raises(RunError, match="cannot be trusted"):
        room.prove(module, room.find(module))


def test_blocks_are_proved_under_an_adapter_too() -> None:
    """PEFT wraps the model in two layers; the proof runs through them, on a model never proved before."""
    from peft import LoraConfig, get_peft_model

    module = llama()
    wrapped = get_peft_model(module, LoraConfig(target_modules="all-linear"))
    assert room.blocks(wrapped) == list(module.model.layers)
    assert len(room.blocks(wrapped)) == families.LAYERS


def test_blocks_are_proved_while_checkpointing() -> None:
    """Recomputation is on, in training mode, before the first proof; the proof leaves the mode as it was."""
    module = llama()
    module.activation_checkpointing_enable()
    module.train()
    assert room.blocks(module) == list(module.model.layers)
    assert module.training
    assert module.is_gradient_checkpointing


def test_replaced_blocks_are_proved_anew() -> None:
    """Hooks on blocks that the model no longer holds would change nothing, and say nothing."""
    module = llama()
    before = room.blocks(module)
    module.model.layers = torch.nn.ModuleList(llama().model.layers)
    fired = []
    with activations.hooked(module, lambda layer, _: fired.append(layer)):
        module(input_ids=torch.tensor([[5, 6, 7]]))
    assert fired == [0, 1, 2]
    assert room.blocks(module) != before


def test_a_replaced_block_that_breaks_the_order_is_told_after_a_proof() -> None:
    """An earlier proof covers only the blocks that it saw."""
    module = llama()
    room.blocks(module)
    module.model.layers[2] = module.model.layers[1]
    with pytest.raises(RunError, match="fired in the order"):
        room.blocks(module)


def test_one_block_of_another_form_is_told() -> None:
    """A block that hands on a dict cannot be read or changed, though the others give tensors."""
    module = llama()
    module.model.layers[1].register_forward_hook(lambda _, __, output: {"hidden": output})
    module.model.layers[2].register_forward_pre_hook(lambda _, inputs: (inputs[0]["hidden"], *inputs[1:]))
    with pytest.raises(RunError, match="blocks give dict, not"):
        room.blocks(module)


def test_a_pass_that_fails_is_one_line() -> None:
    """What the model raises becomes one line that names it, and the hooks are gone."""
    module = llama()
    module.resize_token_embeddings(2)
    with pytest.raises(RunError, match="IndexError") as told:
        room.blocks(module)
    assert "\n" not in str(told.value)
    assert not any(block._forward_hooks for block in module.model.layers)


def test_the_list_is_the_callers_own() -> None:
    """Who changes the list changes no later answer."""
    module = llama()
    room.blocks(module).pop()
    assert len(room.blocks(module)) == families.LAYERS


def test_a_proof_is_forgotten_with_its_module() -> None:
    """Remembering holds no weights in memory."""
    module = llama()
    room.blocks(module)
    alive = weakref.ref(module)
    del module
    gc.collect()
    assert alive() is None


def test_a_quantised_model_has_its_blocks(tiny_of: Callable[[str, Any], Path]) -> None:
    """Four-bit layers change the weights, not where the stream passes."""
    from wolfnote import models

    config = transformers.LlamaConfig(
        vocab_size=320, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, eos_token_id=1,
        bos_token_id=None, pad_token_id=1,
    )  # fmt: skip
    model: LocalModel = models.open_local(f"hf:{tiny_of('quantised', config)}", local=models.Local("cpu", "4-bit"))
    assert len(room.blocks(model.network.module)) == 2


def test_blocks_that_give_two_streams_are_told(tiny: str) -> None:
    """vLLM's blocks give (hidden, residual), whose sum is the stream: a hook on the first of them would read half of it."""
    module = models.open_local(tiny).network.module
    for block in module.model.layers:
        plain = block.forward
        block.forward = lambda *a, plain=plain, **k: (plain(*a, **k), torch.zeros(1, room.TOKENS, 32))
    decoder = module.model
    whole = decoder.layers
    decoder.layers = torch.nn.ModuleList(_First(block) for block in whole)
    with pytest.raises(RunError, match="several streams"):
        room.prove(module, list(whole))


class _First(torch.nn.Module):
    """Calls a block and hands on the first thing that it gives, as vLLM's next block takes both."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, *inputs: Any, **given: Any) -> Any:
        return self.block(*inputs, **given)[0]
