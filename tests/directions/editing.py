"""Tiny models to edit, and a hook that knows each family's modules by name; the code under test does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from small import EXPERTS, GPT, IDS, LLAMA
from wolfnote import models
from wolfnote.directions.blocks import blocks
from wolfnote.directions.direction import Direction
from wolfnote.models import Local
from wolfnote.models.local import LocalModel
from wolfnote.records import chat as ask

Tiny = Callable[[str, Any], Path]

PLAIN = {k: v for k, v in LLAMA.items() if k not in ("num_key_value_heads", "head_dim")}
LINEAR = {"linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
FAMILIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "Llama": (LLAMA, ("self_attn", "mlp")),
    "Qwen2": (LLAMA | {"tie_word_embeddings": True}, ("self_attn", "mlp")),
    "Qwen3": (LLAMA, ("self_attn", "mlp")),
    "Mistral": (LLAMA | {"sliding_window": 6}, ("self_attn", "mlp")),
    "SmolLM3": (LLAMA, ("self_attn", "mlp")),
    "Phi3": (LLAMA, ("self_attn", "mlp")),
    "Granite": (LLAMA | {"residual_multiplier": 0.3}, ("self_attn", "mlp")),
    "GPT2": (GPT, ("attn", "mlp")),
    "GPTNeoX": (PLAIN, ("attention", "mlp")),
    "OPT": (
        {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "word_embed_proj_dim": 32} | IDS,
        ("self_attn", "fc2"),
    ),
    "Mixtral": (EXPERTS, ("self_attn", "mlp")),
    "Qwen3Moe": (EXPERTS, ("self_attn", "mlp")),
    "GptOss": (EXPERTS | {"sliding_window": 6}, ("self_attn", "mlp")),
    "Mamba": (
        {"hidden_size": 32, "num_hidden_layers": 3, "state_size": 8, "vocab_size": 320, "eos_token_id": 1, "pad_token_id": 1},
        ("mixer",),
    ),
    "Qwen3Next": (
        EXPERTS | LINEAR | {"shared_expert_intermediate_size": 16, "layer_types": ["linear_attention", "full_attention"] * 2}
        | {"num_hidden_layers": 4},
        ("linear_attn", "self_attn", "mlp"),
    ),
}  # fmt: skip
BEHIND = ("post_attention_layernorm", "post_feedforward_layernorm")
NORMED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "Gemma2": (LLAMA | {"sliding_window": 6, "query_pre_attn_scalar": 8}, BEHIND),
    "Gemma3Text": (LLAMA | {"sliding_window": 6}, BEHIND),
    "Olmo2": (LLAMA, BEHIND),
}
WIDE = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}
"""Wide enough for four bits."""
QUESTION = [ask("where is the red house")], [("the cat sleeps", "never", "the dog runs and runs")]


def opened(
    name: str, tiny_of: Tiny, *, dtype: torch.dtype = torch.float32, local: Local | None = None, **more: Any
) -> LocalModel:
    """A tiny model with biases and gains that are neither 0 nor 1, so that forgetting one shows."""
    options = (FAMILIES | NORMED)[name][0] | more
    folder = tiny_of(name, getattr(transformers, f"{name}Config")(**options))
    module = transformers.AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(2)
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            if (parameter.dim() == 1 or key.endswith("bias")) and not key.endswith(("A_log", "dt_bias", "D")):
                parameter.add_(0.2 * torch.randn_like(parameter))
    module.to(dtype).save_pretrained(folder)
    return models.open_local(f"hf:{folder}", local=local or Local())


def direction(model: LocalModel, seed: int = 0) -> Direction:
    """Random unit vectors of the model's shape."""
    config = model.network.module.config.get_text_config()
    layers = config.num_hidden_layers
    vectors = np.random.default_rng(seed).standard_normal((layers, config.hidden_size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ones = np.ones(layers, np.float32)
    return Direction(f"test{seed}", vectors, 0 * ones, ones, ones, ones, model.fingerprint.partition("+")[0])


@contextmanager
def hooked_by_name(module: Any, name: str, vectors: torch.Tensor) -> Iterator[None]:
    """The embeddings, the family's named children of each block and the blocks themselves lose their part in the span."""
    v = torch.linalg.qr(vectors.reshape(-1, vectors.shape[-1]).T).Q.T

    def cut(_: Any, __: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden - (hidden @ v.T) @ v
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    found = blocks(module)
    children = [child for block in found for key, child in block.named_children() if key in (FAMILIES | NORMED)[name][1]]
    inside = {id(m) for block in found for m in block.modules()}
    tables = [m for m in module.modules() if isinstance(m, torch.nn.Embedding) or type(m).__name__ == "Embedding"]  # peft's too
    stem = [m for m in tables if id(m) not in inside]
    assert children
    handles = [place.register_forward_hook(cut) for place in (*stem, *children, *found)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def likelihoods(model: LocalModel) -> list[float]:
    """Of three answers to one question."""
    return [found.total for found in model.log_likelihood(*QUESTION)[0]]
