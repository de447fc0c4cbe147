"""A packaged model, or a tune of it, as one F16 GGUF file that llama.cpp serves.

What a server must know besides the weights (hyper-parameters, tokenizer, chat template) comes from the packaged GGUF; the
tensors come from transformers, with the adapter merged in. llama.cpp rotates neighbouring pairs of a head where
transformers rotates halves, so the query and key rows change places on the way.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from wolfnote.errors import InputError, MissingExtra
from wolfnote.models import package

ARCHITECTURE = "llama"


def gguf(spec: str, target: Path) -> Path:
    """Write ``package:NAME`` or ``package:NAME+ADAPTER`` to ``target``, whole or not at all; return ``target``.

    Matrices are F16, vectors F32. Raises ``InputError`` for a spec that is not a packaged Llama or a folder that is not an
    adapter of it, ``MissingExtra`` without gguf, torch or peft.
    """
    base, _, adapter = spec.partition("+")
    scheme, _, name = base.partition(":")
    if scheme != "package":
        remedy = "write package:NAME or package:NAME+ADAPTER_FOLDER"
        raise InputError("only a packaged model can be written as GGUF", where=spec or "model", remedy=remedy)
    source = package.weights_file(name)
    try:
        weights = _weights(package.folder(name), Path(adapter) if adapter else None)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as draft:
            _write(source, weights, Path(draft) / target.name)
            (Path(draft) / target.name).rename(target)
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "gguf", "local") from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(target), remedy="choose another place") from None
    return target


def _weights(path: Path, adapter: Path | None) -> dict[str, Any]:
    """The transformers tensors by name, float32, on the CPU, the adapter merged in."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    module: Any = AutoModelForCausalLM.from_pretrained(path, use_safetensors=True)
    if adapter is not None:
        module = _merged(module, adapter)
    return {name: tensor.detach().float().numpy() for name, tensor in module.state_dict().items()}


def _merged(module: Any, adapter: Path) -> Any:
    if not all((adapter / name).is_file() for name in ("adapter_config.json", "adapter_model.safetensors")):
        remedy = "give a PEFT folder with adapter_config.json and adapter_model.safetensors"
        raise InputError("not a PEFT adapter", where=str(adapter), remedy=remedy)
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers an old question
        try:
            return PeftModel.from_pretrained(module, str(adapter)).merge_and_unload()
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            remedy = "give an adapter that was trained on it"
            raise InputError(f"does not fit this model ({reason})", where=str(adapter), remedy=remedy) from None


def _write(source: Path, weights: dict[str, Any], target: Path) -> None:
    from gguf import GGUFReader, GGUFWriter, LlamaFileType, get_tensor_name_map
    from gguf.constants import MODEL_ARCH

    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    if architecture != ARCHITECTURE:
        raise InputError(f"a {architecture} model, not a Llama", where=str(source), remedy="export a packaged Llama")
    writer = GGUFWriter(target, ARCHITECTURE)
    _copy_metadata(reader, writer)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    places = {tensor.name: tuple(int(n) for n in reversed(tensor.shape)) for tensor in reader.tensors}
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, int(reader.fields["llama.block_count"].contents()))
    heads = {part: int(reader.fields[f"llama.attention.{key}"].contents()) for part, key in HEADS.items()}
    for name, tensor in weights.items():
        place = names.get_name(name, try_suffixes=(".weight",))
        if place not in places:
            continue  # an output head tied to the embedding has no place of its own
        if tensor.shape != places.pop(place):
            raise InputError(f"{name} has another shape than in {source.name}", where=str(source), remedy="export its own tune")
        part = place.split(".")[-2]
        tensor = interleaved(tensor, heads[part]) if part in heads else tensor
        writer.add_tensor(place, tensor.astype("float16" if tensor.ndim > 1 else "float32"))
    if places:
        raise InputError(f"no weights for {next(iter(places))}", where=str(source), remedy="export a packaged Llama")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


HEADS = {"attn_q": "head_count", "attn_k": "head_count_kv"}
"""The rotated projections, and the hyper-parameter that counts their heads."""


def interleaved(rows: Any, heads: int) -> Any:
    """Rows [heads · width, in] from transformers' order (two halves a head) to llama.cpp's (pair by pair)."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def _copy_metadata(reader: Any, writer: Any) -> None:
    from gguf import GGUFValueType

    own = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")
    for field in reader.fields.values():
        if field.name.startswith(own):
            continue  # the writer's own business
        kind, inner = field.types[0], field.types[-1] if field.types[0] is GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
