"""Tiny random models of every family of the installed transformers that can be made small by one generic rule."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
)

LAYERS, WIDTH = 3, 32
SMALL = {
    LAYERS: ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    WIDTH: ("hidden_size", "n_embd", "d_model", "word_embed_proj_dim", "embedding_size", "lru_width", "dim", "attention_hidden_size"),
    48: ("intermediate_size", "ffn_dim", "n_inner", "decoder_ffn_dim", "d_inner", "shared_expert_intermediate_size", "ffn_hidden_size"),
    16: ("moe_intermediate_size", "q_lora_rank", "kv_lora_rank", "moe_shared_expert_intermediate_size", "state_size", "ssm_state_size"),
    4: ("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads", "num_local_experts", "num_experts",
        "n_routed_experts", "moe_num_experts", "linear_num_value_heads", "mamba_n_heads", "mamba_num_heads", "num_mem_blocks"),
    2: ("num_key_value_heads", "num_experts_per_tok", "moe_topk", "moe_k", "linear_num_key_heads", "num_kv_heads", "n_shared_experts",
        "num_attention_groups", "top_k_experts"),
    8: ("head_dim", "v_head_dim", "qk_nope_head_dim", "qk_rope_head_dim", "qk_head_dim", "linear_key_head_dim", "linear_value_head_dim",
        "rotary_dim", "mamba_d_head", "mamba_head_dim", "kv_channels", "global_head_dim", "hidden_size_per_layer_input"),
    1: ("n_group", "topk_group", "first_k_dense_replace", "moe_layer_start_index", "num_nextn_predict_layers", "mamba_n_groups", "n_groups"),
    64: ("vocab_size", "max_position_embeddings", "n_positions", "vocab_size_per_layer_input"),
}  # fmt: skip
LARGEST = 4_000_000
NAMES = {name: value for value, names in SMALL.items() for name in names}


def every() -> dict[str, type[Any]]:
    """Model type → the auto class that opens it: text models, then those that also see."""
    text = dict.fromkeys(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, AutoModelForCausalLM)
    return {**dict.fromkeys(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES, AutoModelForImageTextToText), **text}


def shrunk(kind: str) -> PreTrainedConfig:
    """The family's default configuration with small numbers in it, its parts too."""
    config = AutoConfig.for_model(kind)
    for part in (config, *(value for value in vars(config).values() if isinstance(value, PreTrainedConfig))):
        _shrink(part)
    return config


def build(kind: str) -> Any:
    """A tiny random model. Raises whatever the family raises when it cannot be made small this way."""
    with torch.device("meta"):  # some parts keep their size: count before building
        size = sum(p.numel() for p in every()[kind].from_config(shrunk(kind)).parameters())
    if size > LARGEST:
        raise ValueError(f"{size / 1e6:.0f} million parameters even when shrunk")
    torch.manual_seed(0)
    return every()[kind].from_config(shrunk(kind)).eval()


def _shrink(config: PreTrainedConfig) -> None:
    before = config.num_hidden_layers if isinstance(getattr(config, "num_hidden_layers", None), int) else 0
    for name, value in NAMES.items():
        known = config.attribute_map.get(name, name)
        if isinstance(getattr(config, known, None), int) and not isinstance(getattr(config, known), bool):
            setattr(config, known, value)
    for name, value in vars(config).copy().items():
        if isinstance(value, list) and before > LAYERS and len(value) == before:
            setattr(config, name, [*value[: LAYERS - 1], value[-1]])  # hybrids: both kinds of layer
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if getattr(config, name, None) is not None:
            setattr(config, name, 1)
