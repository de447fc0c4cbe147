"""A copy of a model's weights to edit, the precision of its files, and a new folder to put the result in."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from wolfnote.errors import InputError, RunError
from wolfnote.models.local import LocalModel, load

LARGE = 2_000_000_000
"""Parameters above which a copy is float32; below, float64, so that a proof does not stumble over thirty layers' rounding."""
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def copy(model: LocalModel, *, merge: bool = True) -> Any:
    """The weights on the CPU, read anew, in float64 (float32 above ``LARGE``); the adapter merged in unless ``merge`` is off.

    Raises ``RunError`` for files that are quantised: nothing can be taken out of packed numbers.
    """
    path = model.network.path
    if getattr(load(AutoConfig, path), "quantization_config", None) is not None:
        raise RunError(f"{path}: its files are quantised: give the model before quantisation, or use the hook")
    module = load(AutoModelForCausalLM, path, use_safetensors=True, dtype=torch.float32)
    if merge and (folder := adapter(model)):
        module = under(module, folder).merge_and_unload()
    module.set_experts_implementation("eager")  # the fused ones know no float64
    small = sum(p.numel() for p in module.parameters()) <= LARGE
    return (module.double() if small else module).eval()


def under(module: Any, folder: Path) -> Any:
    """The module under the adapter in a PEFT folder."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers an old question, and remarks on tied embeddings
        return PeftModel.from_pretrained(module, folder).eval()


def adapter(model: LocalModel) -> Path | None:
    """The adapter folder that a model was opened with."""
    folder = model.spec.partition("+")[2]
    return Path(folder) if folder else None


def untie(module: Any) -> bool:
    """Give the head weights of its own, so that an edit of the embedding does not change how the stream is read; whether it
    shared them."""
    head, table = module.get_output_embeddings(), module.get_input_embeddings()
    tied = head is not None and head.weight is table.weight
    if tied:
        head.weight = torch.nn.Parameter(table.weight.detach().clone())
    for config in (module.config, module.config.get_text_config()):
        config.tie_word_embeddings = False
    return tied


class Stored:
    """The precision of each tensor in a model's files; of one that has another name there, that of most."""

    def __init__(self, path: str) -> None:
        sizes: Counter[torch.dtype] = Counter()
        self._own: dict[str, torch.dtype] = {}
        for file in Path(path).glob("*.safetensors"):
            with safe_open(str(file), framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - not a mapping
                    part = tensors.get_slice(name)
                    if part.get_dtype() in DTYPES:
                        self._own[name] = DTYPES[part.get_dtype()]
                        sizes[self._own[name]] += torch.Size(part.get_shape()).numel()
        named = load(AutoConfig, path).get_text_config().dtype  # a hub id has no files of its own here
        self.most: torch.dtype = sizes.most_common(1)[0][0] if sizes else named or torch.float32

    def round(self, module: Any) -> None:
        """Bring the module to the precision of the files, in place."""
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if tensor.is_floating_point():
                kept = torch.float32 if name.endswith("inv_freq") else self.most
                tensor.data = tensor.data.to(self._own.get(name, kept))


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A draft beside ``folder`` that takes its place at the end: whole or not at all. Raises ``InputError`` when it cannot."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as draft:
            (Path(draft) / "whole").mkdir()
            yield Path(draft) / "whole"
            (Path(draft) / "whole").rename(folder)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"cannot be written ({error})", where=str(folder), remedy="give a new folder on a disk with room"
        ) from None


def must_be_new(folder: Path) -> None:
    """Raise ``InputError`` when something is there."""
    if folder.exists() or folder.is_symlink():
        raise InputError("there is something here already", where=str(folder), remedy="give a new folder")
