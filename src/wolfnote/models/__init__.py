"""Who answers. ``models.open("package:smollm2")`` and the like; see ``model.Model`` for what comes back.

Light to import: torch and transformers load when a local model is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wolfnote.errors import InputError, MissingExtra
from wolfnote.models.fingerprint import adapter_fingerprint, weights_fingerprint
from wolfnote.models.model import Conversation, Likelihood, Model, OnCompletion, Question, Sampling
from wolfnote.models.placement import Local

if TYPE_CHECKING:
    from wolfnote.models.local import LocalModel

__all__ = [
    "Conversation",
    "Likelihood",
    "Local",
    "Model",
    "OnCompletion",
    "Question",
    "Sampling",
    "identity",
    "open",
    "path_of",
]


def open(spec: str, *, over: LocalModel | None = None, local: Local = Local()) -> LocalModel:  # noqa: B008 - frozen
    """Open ``package:NAME`` or ``hf:PATH_OR_ID``, either with ``+ADAPTER`` (a PEFT folder) behind it.

    ``over``: a model already open; a spec on the same base then shares its weights. Raises ``InputError`` for a spec that
    names nothing, ``MissingExtra`` without torch.
    """
    base, _, adapter = spec.partition("+")
    try:
        from wolfnote.models.local import LocalModel, Network
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "torch", "local") from None
    shared = over is not None and over.spec.partition("+")[0] == base
    network = over.network if over is not None and shared else Network(path_of(base), local)
    return LocalModel(spec, network, Path(adapter) if adapter else None)


def identity(spec: str) -> str:
    """Hash of the weights behind a spec, base and adapter, without loading them: what a finished run is valid for."""
    base, _, adapter = spec.partition("+")
    found = weights_fingerprint(path_of(base))
    needed = ("adapter_config.json", "adapter_model.safetensors")
    if adapter and all((Path(adapter) / name).is_file() for name in needed):
        found += "+" + adapter_fingerprint(Path(adapter))
    return found


def path_of(base: str) -> str:
    """The folder or hub id behind a spec without adapter; a packaged model is converted on first use."""
    scheme, colon, name = base.partition(":")
    if colon and scheme == "package":
        from wolfnote.models import package

        return str(package.folder(name))
    if colon and scheme == "hf" and name.endswith(".gguf"):
        from wolfnote.models import gguf

        return str(gguf.converted(Path(name), Path(name).stem))
    if colon and scheme == "hf" and name:
        if Path(name).is_file():
            remedy = "give the folder with config.json and *.safetensors, or a .gguf file"
            raise InputError("a single file in a form that can carry code is not loaded", where=name, remedy=remedy)
        return name
    remedy = "write package:smollm2 or hf:PATH_OR_ID, with +ADAPTER_FOLDER for a tuned one"
    raise InputError("not a model", where=base or "model", remedy=remedy)
