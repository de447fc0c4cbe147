"""Where the decoder blocks are: found by one rule, never by a table of architectures, and proved by a live forward pass.

The rule: inside ``get_decoder()`` (else the whole model), a ``ModuleList`` as long as the text configuration says; one whose
blocks the model names in ``_no_split_modules`` comes first, then the shallowest. The proof: on a few tokens each block fires
exactly once, in order, and gives the hidden width. A model that bypasses its blocks, or runs one twice, is told loudly: what
hooks would read or change there is not what the model computes.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

from wolfnote.errors import RunError

_PROVED: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
"""Blocks by the module that was proved; gone with it."""


def blocks(module: Any) -> list[Any]:
    """The text decoder's blocks, in order, proved once a module. Raises ``RunError`` when the rule or the proof fails."""
    bare = module.get_base_model() if hasattr(module, "get_base_model") else module
    if bare not in _PROVED:
        found = find(bare)
        prove(bare, found)
        _PROVED[bare] = found
    return _PROVED[bare]


def find(module: Any) -> list[Any]:
    """The blocks by the rule alone. Raises ``RunError`` when there are none."""
    wanted = module.config.get_text_config().num_hidden_layers
    decoder = (module.get_decoder() if hasattr(module, "get_decoder") else None) or module
    named = set(getattr(module, "_no_split_modules", None) or ())
    found = [
        (type(candidate[0]).__name__ not in named, name.count("."), candidate)
        for name, candidate in decoder.named_modules()
        if isinstance(candidate, torch.nn.ModuleList) and len(candidate) == wanted
    ]
    if not found:
        raise RunError(f"no list of {wanted} decoder blocks in {type(module).__name__}")
    return list(min(found, key=lambda item: item[:2])[2])


def prove(module: Any, found: list[Any]) -> None:
    """Raise ``RunError`` unless each block fires once, in order, with the hidden width, on a forward pass of a few tokens."""
    width = module.config.get_text_config().hidden_size
    fired: list[tuple[int, Any]] = []

    def note(layer: int) -> Any:
        return lambda _, __, output: fired.append((layer, output[0] if isinstance(output, tuple | list) else output))

    handles = [block.register_forward_hook(note(layer)) for layer, block in enumerate(found)]
    try:
        with torch.inference_mode():
            module(input_ids=torch.tensor([[5, 6, 7]], device=next(module.parameters()).device), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    order = [layer for layer, _ in fired]
    name = type(module).__name__
    if order != list(range(len(found))):
        raise RunError(
            f"{name}: its {len(found)} blocks fired in the order {order[:40]}: hooks cannot be trusted on this model"
        )
    shapes = {tuple(output.shape) for _, output in fired if isinstance(output, torch.Tensor)}
    if shapes != {(1, 3, width)}:
        raise RunError(f"{name}: blocks give {sorted(shapes)}, not {(1, 3, width)}: hooks cannot be trusted here")
