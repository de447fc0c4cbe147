"""Who answers. ``models.open("package:smollm2")`` and the like; see ``model.Model`` for what comes back.

Light to import: torch and transformers load when a local model is opened, httpx when a remote one is.

model.py        what every model does; chat.py: the template and the answer's span; store.py: completions, asked once
local/          weights in this process: transformers, PEFT adapters over one base; placement.py: device and precision
remote/         any OpenAI-compatible server; endpoint.py: address and [remote] settings
scripted.py     fixed answers
package.py      weights that a Python package carries; gguf.py: in; export.py: out
speed.py        a speed test; contact.py: which hosts a spec means; counting.py: tokens of a row
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wolfnote.errors import InputError, MissingExtra
from wolfnote.models import endpoint
from wolfnote.models.endpoint import Remote
from wolfnote.models.fingerprint import adapter_fingerprint, content_fingerprint, weights_fingerprint
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
    "Remote",
    "Sampling",
    "identity",
    "open",
    "open_local",
    "path_of",
]

FORMS = "write package:smollm2 or hf:PATH_OR_ID (+ADAPTER_FOLDER for a tuned one), http://HOST/v1#NAME, or scripted:FILE"


def open(
    spec: str,
    *,
    over: Model | None = None,
    local: Local = Local(),  # noqa: B008 - frozen
    remote: Remote = Remote(),  # noqa: B008 - frozen
) -> Model:
    """Open any model: ``package:NAME`` or ``hf:PATH_OR_ID``, either with ``+ADAPTER`` (a PEFT folder) behind it,
    ``http(s)://HOST/v1#NAME`` or ``scripted:FILE``.

    ``over``: a model already open; a local spec on the same base then shares its weights. Raises ``InputError`` for a spec
    that names nothing, ``MissingExtra`` without the packages that its kind needs.
    """
    if endpoint.is_remote(spec):
        try:
            from wolfnote.models.remote import RemoteModel
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "httpx", "remote") from None
        return RemoteModel(spec, remote)
    if script := _script(spec):
        from wolfnote.models.scripted import ScriptedModel

        return ScriptedModel(spec, script)
    return open_local(spec, over=over, local=local)


def open_local(spec: str, *, over: Model | None = None, local: Local = Local()) -> LocalModel:  # noqa: B008 - frozen
    """Open a model whose weights must be here (to tune, steer or read activations). Raises like ``open``, and ``InputError``
    for a remote or scripted one."""
    base, _, adapter = spec.partition("+")
    path = path_of(base)
    try:
        from wolfnote.models.local import LocalModel, Network
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "torch", "local") from None
    shared = isinstance(over, LocalModel) and over.spec.partition("+")[0] == base
    network = over.network if isinstance(over, LocalModel) and shared else Network(path, local)
    return LocalModel(spec, network, Path(adapter) if adapter else None)


def identity(spec: str) -> str:
    """What a finished run is valid for, without loading anything: the hash of a local model's weights, base and adapter, of a
    remote one's address and name, of a script's content."""
    if endpoint.is_remote(spec):
        return endpoint.parse(spec).fingerprint
    if script := _script(spec):
        return content_fingerprint(script)
    base, _, adapter = spec.partition("+")
    found = weights_fingerprint(path_of(base))
    needed = ("adapter_config.json", "adapter_model.safetensors")
    if adapter and all((Path(adapter) / name).is_file() for name in needed):
        found += "+" + adapter_fingerprint(Path(adapter))
    return found


def path_of(base: str) -> str:
    """The folder or hub id behind a local spec without adapter; a packaged model is converted on first use.

    Raises ``InputError`` for a remote or scripted one, which has no weights here.
    """
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
    if endpoint.is_remote(base) or _script(base):
        remedy = "give the weights: package:smollm2 or hf:PATH_OR_ID, with +ADAPTER_FOLDER for a tuned one"
        raise InputError("this needs a model whose weights are here", where=base, remedy=remedy)
    raise InputError("not a model", where=base or "model", remedy=FORMS)


def _script(spec: str) -> Path | None:
    scheme, _, name = spec.partition(":")
    return Path(name) if scheme == "scripted" and name else None
