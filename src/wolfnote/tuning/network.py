"""The network that is tuned: a base with a fresh adapter, with the adapter of an earlier tune, or bare, all weights trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wolfnote.models import placement
from wolfnote.models.placement import Local
from wolfnote.tuning.means import Machine
from wolfnote.tuning.recipe import Settings


def build(path: str, settings: Settings, machine: Machine, seed: int, start: Path | None = None) -> Any:
    """Load the base and put on it what is trained. ``start``: a PEFT folder that is trained on."""
    from peft import PeftModel, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, set_seed

    from wolfnote.models.local import load

    # eager attention: on a CPU, and for rows of a hundred tokens, faster than the fused kernel
    base = load(AutoModelForCausalLM, path, attn_implementation="eager", **_precision(settings, machine, path))
    if machine.precision == "4-bit":
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=machine.checkpointing)
    set_seed(seed)  # before the adapter draws its weights; the trainer seeds only the order of rows
    if start is not None:
        return PeftModel.from_pretrained(base, str(start), is_trainable=True)
    return get_peft_model(base, lora(settings, base)) if settings.rank else base


def _precision(settings: Settings, machine: Machine, path: str) -> dict[str, Any]:
    """Under an adapter bfloat16, where every weight is trained float32, unless the settings say otherwise."""
    if machine.precision == "4-bit":
        local = Local(precision="4-bit")
        return placement.loading(local, path, placement.device(local))
    usual = "bfloat16" if settings.rank else "float32"
    return {"dtype": usual if machine.precision == "auto" else machine.precision}


def lora(settings: Settings, base: Any) -> Any:
    """The adapter's configuration: every linear layer of the blocks from ``from_depth`` upwards."""
    import torch
    from peft import LoraConfig

    from wolfnote.directions.blocks import blocks

    every = blocks(base)
    adapted = {id(m) for block in every[int(settings.from_depth * len(every)) :] for m in block.modules()}
    names = [name for name, m in base.named_modules() if id(m) in adapted and isinstance(m, torch.nn.Linear)]
    return LoraConfig(
        r=settings.rank,
        lora_alpha=2 * settings.rank,
        use_rslora=True,
        target_modules=names,
        task_type="CAUSAL_LM",
    )
