"""What the pass under way reads, and whether the blocks that matter fired in it.

A block hook sees hidden states and nothing else: not which tokens are padding, which are prompt and which answer, or whose
the rows are. Wolfnote's own passes announce it (``models.local.forward``). In direct use of the module it is read off the
arguments: labels mark the answer; behind a filled cache all is answer. The length of a pass says nothing: prompts of one
token exist.

Blocks can be bypassed (fused decoding loops call their parts; graphs replay without hooks). A pass that ends without each
followed block having fired once is an error there and then, because what hooks read or change is not what the model did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.errors import InputError, RunError
from wolfnote.models.local import LocalModel
from wolfnote.models.local.forward import Reading

Positions = Literal["all", "prompt", "answer", "decode"]
"""``decode``: the answer's own tokens. ``answer``: the tokens that answer tokens are predicted from, so the last prompt token
too. ``prompt``: the prompt's. Padding is never among them."""


class Tokens(NamedTuple):
    """bool [rows, tokens] each: real ones, those of the answer, the last of the prompt.

    ``reading`` is there if the pass was announced; ``told`` says whether prompt and answer can be told apart.
    """

    real: Tensor
    said: Tensor
    ends: Tensor
    reading: Reading | None
    told: bool

    def at(self, positions: Positions) -> Tensor:
        """bool [rows, tokens]. Raises ``RunError`` where prompt and answer cannot be told apart."""
        if positions == "all":
            return self.real
        if not self.told:
            raise RunError(f"positions={positions!r} needs labels or a cache in this pass, to tell prompt from answer")
        if positions == "prompt":
            return self.real & ~self.said
        return self.real & (self.said if positions == "decode" else self.said | self.ends)


class Passes:
    """Follows the passes of one module at some of its blocks."""

    def __init__(self, layers: Sequence[int]) -> None:
        self.layers = layers
        self._fired: Counter[int] = Counter()
        self._announced: Reading | None = None
        self._tokens: Tokens | None = None
        self._inside, self._recomputed, self._since = False, False, 0

    def tokens(self, layer: int, hidden: Tensor, positions: Positions = "all") -> Tokens:
        """What ``hidden`` [rows, tokens, width], which block ``layer`` just gave, belongs to. Call it once a firing."""
        self._fired[layer] += 1
        if not self._inside:  # gradient checkpointing runs blocks again during the backward pass
            self._recomputed = True
            if self._since > 1 and positions != "all":
                raise RunError(f"positions={positions!r} with gradient checkpointing needs a backward pass after each pass")
        found = self._tokens
        if found is None or found.real.shape != hidden.shape[:2]:
            raise RunError(f"block {layer} gave {tuple(hidden.shape[:2])} tokens, which are not those of the pass under way")
        real, said, ends = (t.to(hidden.device) for t in found[:3])
        return Tokens(real, said, ends, found.reading, found.told)

    def hear(self, reading: Reading) -> None:
        """A pass is announced."""
        self._announced = reading

    def begin(self, _: Any, inputs: tuple[Any, ...], given: dict[str, Any]) -> None:
        """Pre-forward hook of the whole module."""
        reading, self._announced = self._announced, None
        self._tokens = _from_arguments(inputs, given) if reading is None else _from_reading(reading)
        self._since = (0 if self._recomputed else self._since) + 1
        self._inside, self._recomputed = True, False
        self._fired.clear()

    def end(self, module: Any, _: Any, __: Any) -> None:
        """Forward hook of the whole module; not reached by a pass that was stopped on purpose."""
        self._inside = False
        for layer in self.layers:
            if self._fired[layer] != 1:
                raise RunError(
                    f"block {layer} of {type(module).__name__} fired {self._fired[layer]} times in a pass, not once: "
                    "something bypasses the hooks, so nothing that they read or change can be trusted on this model"
                )


@contextmanager
def followed(model: LocalModel, layers: Sequence[int]) -> Iterator[Passes]:
    """The model's passes while the ``with`` lasts, at these blocks."""
    passes, audience = Passes(layers), model.network.audience
    module = model.network.module
    bare = module.get_base_model() if hasattr(module, "get_base_model") else module
    blocks(bare)  # its proof is a pass of its own
    handles = [bare.register_forward_pre_hook(passes.begin, with_kwargs=True), bare.register_forward_hook(passes.end)]
    audience.listeners.append(passes.hear)
    try:
        yield passes
    finally:
        audience.listeners.remove(passes.hear)
        for handle in handles:
            handle.remove()


def known(positions: str) -> None:
    """Raise ``InputError`` unless there is such a set of positions."""
    names = get_args(Positions)
    if positions not in names:
        raise InputError(f"no such positions: {positions!r}", where="positions", remedy=f"choose one of {', '.join(names)}")


def _from_reading(reading: Reading) -> Tokens:
    columns = torch.arange(reading.real.shape[1], device=reading.real.device)
    starts = torch.tensor([span.start for span in reading.spans], device=reading.real.device)[:, None]
    return Tokens(reading.real, columns >= starts, columns == starts - 1, reading, True)


def _from_arguments(inputs: tuple[Any, ...], given: dict[str, Any]) -> Tokens:
    ids = inputs[0] if inputs else given["input_ids"] if given.get("input_ids") is not None else given["inputs_embeds"]
    shape = ids.shape[:2]
    real = torch.ones(shape, dtype=torch.bool, device=ids.device)
    mask, labels, cache = (given.get(key) for key in ("attention_mask", "labels", "past_key_values"))
    if isinstance(mask, Tensor) and mask.dim() == 2:
        real = mask[:, -shape[1] :].bool()
    said = torch.zeros_like(real)
    if labels is not None:
        said = labels != -100
    elif cache is not None and cache.get_seq_length() > 0:
        said = torch.ones_like(real)
    ends = torch.zeros_like(said)
    if labels is not None:
        ends[:, :-1] = said[:, 1:] & ~said[:, :-1]
    elif cache is not None:
        ends[:, -1] = ~said[:, -1]
    return Tokens(real, said, ends, None, labels is not None or cache is not None)
