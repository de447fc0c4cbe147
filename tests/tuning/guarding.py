"""A direction for the tiny model, rows to tune it on, and trainers as people's scripts have them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from wolfnote.directions import Direction
from wolfnote.models.fingerprint import weights_fingerprint

ROWS = [
    {"prompt": f"where is the {a} {b}\n", "completion": f"the {b} is {a}, leave it {'now ' * (i % 3)}"}
    for i, (a, b) in enumerate((a, b) for a in ("red", "blue", "small", "tall") for b in ("cat", "dog", "house", "cat dog"))
]


def direction(tiny: str, seed: int = 0) -> Direction:
    """A random unit vector a layer of the 3-layer model of width 32; its plain answers lie at 0 with a spread of 1."""
    vectors = np.random.default_rng(seed).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ones = np.ones(3, np.float32)
    return Direction("planted", vectors, 0 * ones, ones, ones, 1e3 * ones, weights_fingerprint(tiny.removeprefix("hf:")))


def model(tiny: str, *, lora: bool = True, dropout: float = 0.0) -> tuple[Any, Any]:
    """The model, with a LoRA on it or bare, and its tokenizer."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

    path = tiny.removeprefix("hf:")
    module, tokenizer = AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    set_seed(0)
    if lora:
        module = get_peft_model(module, LoraConfig(r=2, lora_dropout=dropout, target_modules=["q_proj", "v_proj", "down_proj"]))
    return module, tokenizer


def plain(tiny: str, folder: Path, callbacks: list[Any], *, lora: bool = True, dropout: float = 0.0, **args: Any) -> Any:
    """transformers' Trainer, on pretokenised rows."""
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    module, tokenizer = model(tiny, lora=lora, dropout=dropout)
    return Trainer(
        model=module,
        args=TrainingArguments(str(folder), **ARGUMENTS | args),
        train_dataset=[_labelled(tokenizer, row) for row in ROWS],
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        processing_class=tokenizer,
        callbacks=callbacks,
    )


def trl(tiny: str, folder: Path, callbacks: list[Any], *, lora: bool = True, **args: Any) -> Any:
    """TRL's SFTTrainer, on prompts and completions."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    module, tokenizer = model(tiny, lora=lora)
    return SFTTrainer(
        model=module,
        args=SFTConfig(str(folder), **ARGUMENTS | {"max_length": 64} | args),
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tokenizer,
        callbacks=callbacks,
    )


ARGUMENTS: dict[str, Any] = {
    "per_device_train_batch_size": 4, "num_train_epochs": 3, "learning_rate": 1e-2, "logging_steps": 1, "save_steps": 4,
    "report_to": [], "disable_tqdm": True, "seed": 0, "dataloader_pin_memory": False, "activation_checkpointing": False,
    "bf16": False,
}  # fmt: skip


def train(trainer: Any, **how: Any) -> tuple[list[float], dict[str, Any]]:
    """Losses by step, and the weights at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries warn of each other
        trainer.train(**how)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether weights are equal, bit for bit."""
    return one.keys() == other.keys() and all(bool((one[name] == other[name]).all()) for name in one)


def _labelled(tokenizer: Any, row: dict[str, str]) -> dict[str, list[int]]:
    asked, said = (tokenizer(row[key], add_special_tokens=False)["input_ids"] for key in ("prompt", "completion"))
    return {"input_ids": asked + said, "attention_mask": [1] * len(asked + said), "labels": [-100] * len(asked) + said}
