"""Where the decoder blocks are: found by one rule, never by a table of architectures, and proved by a live forward pass.

The rule: inside ``get_decoder()`` (else the whole model), a ``ModuleList`` as long as the text configuration says; one whose
blocks the model names in ``_no_split_modules`` comes first, then the shallowest. The proof: on a few tokens each block fires
exactly once, in order, and gives the hidden width. A model that bypasses its blocks, or runs one twice, is told loudly: what
hooks would read or change there is not what the model computes.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from wolfnote.errors import RunError
from wolfnote.models.local.forward import Forward

_PROVED: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
"""Blocks by the module that was proved; gone with it, and proved anew when the module holds others."""

TOKENS = 3
"""How many tokens the proof reads."""


def blocks(module: Any) -> list[Any]:
    """The text decoder's blocks, in order, proved once a module. Raises ``RunError`` when the rule or the proof fails."""
    bare = module.get_base_model() if hasattr(module, "get_base_model") else module
    found = find(bare)
    if _PROVED.get(bare) != found:  # modules compare by identity: a replaced block is another one
        prove(bare, found)
        _PROVED[bare] = list(found)
    return found


def find(module: Any) -> list[Any]:
    """The blocks by the rule alone. Raises ``RunError`` when there are none."""
    wanted = module.config.get_text_config().num_hidden_layers
    decoder = (module.get_decoder() if hasattr(module, "get_decoder") else None) or module
    named = set(getattr(module, "_no_split_modules", None) or ())
    # some families call their output layer the decoder: then the whole model is looked through
    found = _lists(decoder, wanted) or _lists(module, wanted)
    if not found:
        raise RunError(f"no list of {wanted} decoder blocks in {type(module).__name__}")
    return list(min(found, key=lambda item: (type(item[1][0]).__name__ not in named, item[0].count(".")))[1])


def prove(module: Any, found: list[Any]) -> None:
    """Raise ``RunError`` unless each block fires once, in order, with the hidden width, on a forward pass of a few tokens."""
    name = type(module).__name__
    try:
        with _noted(found) as fired, torch.inference_mode():
            call = Forward(module)
            ids = torch.arange(TOKENS, device=call.device)[None]
            call(ids, torch.ones_like(ids), keep=1)
    except Exception as error:  # whatever a family says to a pass over text alone
        why = (str(error).splitlines() or [""])[0]
        raise RunError(
            f"{name}: a pass over {TOKENS} tokens failed, so its blocks are not proved: {type(error).__name__}: {why}"
        ) from error
    order = [layer for layer, _ in fired]
    if order != list(range(len(found))):
        raise RunError(
            f"{name}: its {len(found)} blocks fired in the order {order[:40]}: hooks cannot be trusted on this model"
        )
    wanted = (1, TOKENS, module.config.get_text_config().hidden_size)
    firsts = [output[0] if isinstance(output, tuple | list) else output for _, output in fired]
    wrong = sorted({_form(first) for first in firsts} - {str(wanted)})
    if wrong:
        raise RunError(f"{name}: blocks give {', '.join(wrong)}, not {wanted}: hooks cannot be trusted here")
    if any(_form(more) == str(wanted) for _, output in fired if isinstance(output, tuple | list) for more in output[1:]):
        raise RunError(f"{name}: blocks give several streams, as vLLM's do (their sum is the stream): hooks see only the first")


def _lists(root: Any, wanted: int) -> list[tuple[str, Any]]:
    """Path and list of every ``ModuleList`` of that length."""
    return [(name, m) for name, m in root.named_modules() if isinstance(m, torch.nn.ModuleList) and len(m) == wanted]


@contextmanager
def _noted(found: list[Any]) -> Iterator[list[tuple[int, Any]]]:
    """Gathers (layer, output) of each block as it fires."""
    fired: list[tuple[int, Any]] = []

    def note(layer: int) -> Any:
        return lambda _, __, output: fired.append((layer, output))

    handles = [block.register_forward_hook(note(layer)) for layer, block in enumerate(found)]
    try:
        yield fired
    finally:
        for handle in handles:
            handle.remove()


def _form(output: Any) -> str:
    return str(tuple(output.shape)) if isinstance(output, torch.Tensor) else type(output).__name__
