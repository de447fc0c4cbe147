"""Where local weights live and in which precision: the ``[local]`` table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from wolfnote.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import torch

LARGE = 8 << 30


class Local(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a local model is loaded. The same for base and tuned: precision alone moves answers."""

    device: str = "auto"
    """auto (CUDA, then MPS, then CPU), cpu, mps, cuda or cuda:1."""
    precision: Literal["auto", "float32", "bfloat16", "4-bit"] = "auto"
    """auto: float32, and bfloat16 on a GPU for weights above 8 GiB. 4-bit: NF4 through bitsandbytes."""
    template: str = ""
    """A Jinja file with a chat template, for a model that brings none."""


def device(settings: Local) -> torch.device:
    """The device that the settings name. Raises ``InputError`` when this machine lacks it."""
    import torch

    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        found = torch.device(name)
    except RuntimeError:
        remedy = "choose auto, cpu, mps, cuda or cuda:N"
        raise InputError(f"no such device: {name}", where="local.device", remedy=remedy) from None
    here = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}.get(found.type, 0)
    if (found.index or 0) >= here:
        raise InputError(f"this machine has no {name}", where="local.device", remedy="choose auto or cpu; see wolfnote doctor")
    return found


def loading(settings: Local, path: str, place: torch.device) -> dict[str, Any]:
    """The options of ``from_pretrained`` for precision and place."""
    import torch

    if settings.precision == "4-bit":
        return {"quantization_config": _four_bit(), "device_map": {"": place}, "dtype": torch.bfloat16}
    large = place.type == "cuda" and sum(f.stat().st_size for f in Path(path).glob("*.safetensors")) > LARGE
    small = settings.precision == "bfloat16" or (settings.precision == "auto" and large)
    return {"dtype": torch.bfloat16 if small else torch.float32}


def _four_bit() -> Any:
    import importlib.util

    import torch
    from transformers import BitsAndBytesConfig

    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtra("bitsandbytes", "four-bit")
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16, bnb_4bit_use_double_quant=True
    )
