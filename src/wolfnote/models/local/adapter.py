"""A PEFT folder, and whether it fits a base: told before anything is loaded over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError
from wolfnote.models.fingerprint import NOTE

PREFIX = "base_model.model."
PROMPTS = ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "MULTITASK_PROMPT_TUNING", "CPT")


def check(folder: Path, module: Any, base: str) -> None:
    """Raise ``InputError`` unless ``folder`` is a PEFT adapter whose every LoRA matrix fits ``module``.

    ``base`` is the fingerprint of the weights. An adapter that Wolfnote tuned says which base it was tuned on, so that another
    base of the same shape is refused too; other adapters do not say it.
    """
    from safetensors import SafetensorError, safe_open

    config = read_config(folder)
    if config.get("peft_type") in PROMPTS:
        message = f"{config['peft_type']} adds tokens rather than weights, which cannot be measured beside its base"
        raise InputError(message, where=str(folder), remedy="tune with LoRA, or serve it and give its http address")
    try:
        with safe_open(str(folder / "adapter_model.safetensors"), framework="pt") as tensors:
            shapes = {key: tuple(tensors.get_slice(key).get_shape()) for key in tensors.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise InputError(f"damaged weights ({error})", where=str(folder), remedy="copy or train the adapter again") from None
    modules = dict(module.named_modules())
    for key, shape in shapes.items():
        _fits(key, shape, modules, folder)
    _same_base(folder, base)


def read_config(folder: Path) -> dict[str, Any]:
    """``adapter_config.json``. Raises ``InputError`` when the folder is not an adapter in safetensors."""
    remedy = "give a PEFT folder with adapter_config.json and adapter_model.safetensors"
    if not (folder / "adapter_config.json").is_file() or not (folder / "adapter_model.safetensors").is_file():
        raise InputError("not a PEFT adapter", where=str(folder), remedy=remedy)
    try:
        return msgspec.json.decode((folder / "adapter_config.json").read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError("not JSON", where=str(folder / "adapter_config.json"), remedy=remedy) from None


def note(folder: Path, base: str) -> None:
    """Write down beside an adapter which base weights it was tuned on."""
    (folder / NOTE).write_text(json.dumps({"base": base}) + "\n", encoding="utf-8")


def _fits(key: str, shape: tuple[int, ...], modules: dict[str, Any], folder: Path) -> None:
    name, found, part = key.removeprefix(PREFIX).partition(".lora_")
    if not found or part[0] not in "AB" or len(shape) != 2:
        return
    remedy = "open it over the base it was trained on"
    if name not in modules:
        raise InputError(f"the adapter changes {name}, which this model does not have", where=str(folder), remedy=remedy)
    widths = _widths(modules[name])
    if widths is None:
        return
    given, has = (shape[1], widths[0]) if part[0] == "A" else (shape[0], widths[1])
    if given != has:
        message = f"the adapter was made for a model of width {given} at {name}, this one has {has}"
        raise InputError(message, where=str(folder), remedy=remedy)


def _widths(module: Any) -> tuple[int, int] | None:
    """Width in and out of a linear layer; None for what is no plain one."""
    module = getattr(module, "base_layer", module)
    if hasattr(module, "in_features"):
        return module.in_features, module.out_features
    return tuple(module.weight.shape) if type(module).__name__ == "Conv1D" else None


def _same_base(folder: Path, base: str) -> None:
    try:
        tuned_on = json.loads((folder / NOTE).read_text(encoding="utf-8"))["base"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if tuned_on != base:
        message = f"the adapter was tuned on weights {tuned_on}, these are {base}"
        raise InputError(message, where=str(folder), remedy="open it over the base it was trained on")
