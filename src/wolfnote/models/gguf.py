"""GGUF files: read slowly (half a minute), so each is converted once into a folder of safetensors in the user's cache.

The folder appears by rename, so a killed conversion leaves nothing half-made, and two processes may convert at once.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from wolfnote.errors import InputError
from wolfnote.models.cache import cache


def converted(file: Path, name: str) -> Path:
    """The safetensors folder of a GGUF file, made now if it is not there yet. Raises ``InputError`` for a file that is none."""
    target = cache() / "models" / f"{name}-{_sha256(file)[:12]}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        _convert(file, draft)
        draft.rename(target)
    except OSError:
        if not target.is_dir():  # unless another process finished the same conversion first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise InputError("no such file", where=str(path), remedy="give a .gguf file, or a folder with safetensors")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InputError("not a GGUF file", where=str(path), remedy="give a .gguf file, or a folder with safetensors")
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _convert(file: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from wolfnote.models.local import load

    tokenizer = load(AutoTokenizer, str(file.parent), gguf_file=file.name)
    loaded = load(AutoModelForCausalLM, str(file.parent), gguf_file=file.name, dtype=torch.float32)
    config = loaded.config
    # transformers refuses to save what it loaded from GGUF; the weights are plain floats by now, so build it anew
    del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
