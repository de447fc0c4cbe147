"""Take a direction out for good: weights that cannot write along it, proved by a live pass before they are saved.

Every matrix that writes to the residual stream loses its part along one unit vector v: W ← (I − vvᵀ) W, its bias too; so do
the embeddings. Then nothing in the stream lies along v, which is what the proof looks at, block by block. Writers are found by
their place (the last projection of attention and of the feed-forward part, experts' stacked ones too); whatever the rule
misses shows in the proof, and is refused rather than saved.

This is ablation *everywhere, around zero*: every block, every token, sinks too. ``ablation.ablate`` by default spares sinks and
outer blocks and goes back to the neutral mean; the two are different cures, and the price of this one must be measured anew.
Tied embeddings are untied first, or the head would lose its part along v as well. Where a norm stands between a writer and
the stream (Gemma, Olmo 2), W is made orthogonal to diag(g)·v, g being the norm's gain: the write along v is then zero, while
the norm's divisor, which saw the removed part, rescales the rest a little: baked and hooked differ, and by how much is told.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wolfnote.directions.blocks import blocks
from wolfnote.directions.direction import Direction
from wolfnote.directions.projection import layer_at
from wolfnote.errors import RunError
from wolfnote.models.local import LocalModel

LAST = ("o_proj", "out_proj", "c_proj", "dense", "wo", "down_proj", "fc2", "fc_out", "dense_4h_to_h", "w2", "output_linear",
        "linear_out")  # fmt: skip
"""Names of the projections that write to the stream, over the families of transformers."""
LEFT, EQUAL = 1e-4, 1e-4
"""What may be left along v, as a share of a token's norm; how far logits of baked and hooked may differ."""
LARGE = 2_000_000_000
TOKENS = [[5, 6, 7, 8, 9, 10, 11, 12]]


class Baked(NamedTuple):
    """What was saved, what is left along v (share of the norm, the worst block), and max |baked − hooked| over logits."""

    folder: Path
    left: float
    difference: float
    writers: int
    rescaled: bool
    """Whether norms behind the writers make baked and hooked differ by design."""


class Writer(NamedTuple):
    """A module that writes to the stream, and the norm between it and the stream, if there is one."""

    module: Any
    norm: Any


def bake(model: LocalModel, direction: Direction, folder: Path, *, depth: float = 0.57) -> Baked:
    """Save the model, its adapter merged, without the direction of the layer at ``depth``; open it as ``hf:FOLDER``.

    ``model`` itself is not changed. Raises ``Mismatch`` for another model's direction, ``RunError`` when the result does not
    equal the hook, or something else writes along the direction.
    """
    direction.check(model.fingerprint, direction.vectors.shape)
    module = merged(model)
    unit = torch.from_numpy(direction.vectors[layer_at(direction, depth)]).to(module.dtype)
    unit = unit / unit.norm()
    writers = find(module)
    with hooked(module, writers, unit):
        wanted = logits(module)
    _untie(module)
    for table in tables(module):
        table.weight.data = _without(table.weight.data, unit, 1)
    for writer in writers:
        _project(writer, unit)
    left = left_along(module, unit)
    if left > LEFT:
        raise RunError(f"{model.spec}: {left:.1e} of the stream still lies along it: something else writes there; use the hook")
    difference = float((logits(module) - wanted).abs().max())
    rescaled = any(writer.norm is not None for writer in writers)
    if difference > EQUAL and not rescaled:
        raise RunError(f"{model.spec}: baked weights differ from the hook by {difference:.1e} in logits; use the hook")
    draft = folder.with_name(folder.name + ".part")
    module.float().save_pretrained(draft)
    model.tokenizer.save_pretrained(draft)
    draft.rename(folder)  # the folder exists only when it is whole
    return Baked(folder, left, difference, len(writers), rescaled)


def find(module: Any) -> list[Writer]:
    """The writers of every block, in order. Raises ``RunError`` for a block without two."""
    width = module.config.get_text_config().hidden_size
    found: list[Writer] = []
    for layer, block in enumerate(blocks(module)):
        own = [Writer(m, _norm(block, name)) for name, m in block.named_modules() if _writes(m, name, width)]
        if len(own) < 2:
            raise RunError(
                f"block {layer} of {type(module).__name__} has no two projections that write to the stream: use the hook"
            )
        found += own
    return found


@contextmanager
def hooked(module: Any, writers: Sequence[Writer], unit: Tensor) -> Iterator[None]:
    """What baking equals: each write, and each embedding, without its part along the unit vector while the block lasts."""

    def clean(_: Any, __: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple) else output
        v = unit.to(first.device)
        wide = first.to(torch.promote_types(first.dtype, v.dtype))  # a bfloat16 projector leaves 2⁻⁸ behind
        rest = (wide - (wide @ v.to(wide.dtype))[..., None] * v).to(first.dtype)
        return (rest, *output[1:]) if isinstance(output, tuple) else rest

    places = [writer.norm if writer.norm is not None else writer.module for writer in writers]
    handles = [place.register_forward_hook(clean) for place in dict.fromkeys((*tables(module), *places))]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def left_along(module: Any, unit: Tensor) -> float:
    """The largest share of any token's norm that lies along the unit vector, over the outputs of all blocks."""
    worst: list[float] = []

    def look(_: Any, __: Any, output: Any) -> None:
        hidden = (output[0] if isinstance(output, tuple | list) else output).to(unit)
        worst.append(float(((hidden @ unit).abs() / hidden.norm(dim=-1)).max()))

    handles = [block.register_forward_hook(look) for block in blocks(module)]
    try:
        logits(module)
    finally:
        for handle in handles:
            handle.remove()
    return max(worst)


def merged(model: LocalModel) -> Any:
    """A copy of the weights on the CPU, the adapter merged into them; in float64, so that a proof does not stumble over the
    rounding of thirty layers; in float32 above ``LARGE`` parameters and for stacked experts."""
    from transformers import AutoModelForCausalLM

    from wolfnote.models.local import load

    module = load(AutoModelForCausalLM, model.network.path, use_safetensors=True, dtype=torch.float32).eval()
    adapter = model.spec.partition("+")[2]
    if adapter:
        from peft import PeftModel

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft asks transformers an old question
            module = PeftModel.from_pretrained(module, adapter).merge_and_unload()
    small = sum(p.numel() for p in module.parameters()) <= LARGE
    return module.double() if small and not any(stacked(m) is not None for m in module.modules()) else module


def _writes(module: Any, name: str, width: int) -> bool:
    if name.rpartition(".")[2] in LAST and hasattr(module, "weight") and module.weight.dim() == 2:
        return _axis(module.weight.shape, width, turned=type(module).__name__ == "Conv1D") is not None
    return stacked(module) is not None


def stacked(module: Any) -> Any:
    """The experts' stacked output matrices [experts, …], or None."""
    found = getattr(module, "down_proj", None)
    return found if isinstance(found, torch.nn.Parameter) and found.dim() == 3 else None


def _axis(shape: Sequence[int], width: int, *, turned: bool) -> int | None:
    """Which axis of a matrix runs along the stream: the first of [out, in], the last of [in, out]."""
    axis = len(shape) - 1 if turned else len(shape) - 2
    return axis if shape[axis] == width else None


def _norm(block: Any, name: str) -> Any:
    """The norm that stands behind this writer, in blocks that have one: Llama's norm of the same name stands before."""
    if not hasattr(block, "post_feedforward_layernorm"):
        return None
    attends = "attn" in name or "attention" in name
    return block.post_attention_layernorm if attends else block.post_feedforward_layernorm


def _project(writer: Writer, unit: Tensor) -> None:
    vector = unit if writer.norm is None else _through(writer.norm, unit)
    experts = stacked(writer.module)
    if experts is not None:
        # most families keep [experts, width, inner]; gpt-oss keeps [experts, inner, width], with a bias beside it
        turned = getattr(writer.module, "down_proj_bias", None) is not None
        experts.data = _without(experts.data, vector, 2 if turned else 1)
        if turned:
            bias = writer.module.down_proj_bias
            bias.data = _without(bias.data, vector, 1)
        return
    turned = type(writer.module).__name__ == "Conv1D"
    writer.module.weight.data = _without(writer.module.weight.data, vector, 1 if turned else 0)
    if getattr(writer.module, "bias", None) is not None:
        writer.module.bias.data = _without(writer.module.bias.data, vector, 0)


def _through(norm: Any, unit: Tensor) -> Tensor:
    """diag(g)·v, of unit length: what must be missing before a norm of gain g for v to be missing behind it."""
    with torch.inference_mode():
        gain: Tensor = norm(torch.ones_like(unit))  # as the norm applies it, up to a factor: Gemma's is one plus its weight
    turned = gain.clone() * unit
    return turned / turned.norm()


def _without(weight: Tensor, vector: Tensor, axis: int) -> Tensor:
    """The tensor without its part along the unit vector on one axis, computed in float64."""
    moved = weight.double().movedim(axis, -1)
    v = vector.double()
    return (moved - (moved @ v)[..., None] * v).movedim(-1, axis).to(weight.dtype).contiguous()


def tables(module: Any) -> list[Any]:
    """The embeddings that begin the stream: tokens, and positions where they are learnt."""
    width = module.config.get_text_config().hidden_size
    decoder = (module.get_decoder() if hasattr(module, "get_decoder") else None) or module
    return [m for m in decoder.modules() if isinstance(m, torch.nn.Embedding) and m.weight.shape[1] == width]


def _untie(module: Any) -> None:
    head, table = module.get_output_embeddings(), module.get_input_embeddings()
    if head is not None and head.weight is table.weight:
        head.weight = torch.nn.Parameter(table.weight.detach().clone())
    module.config.tie_word_embeddings = False
    module.config.get_text_config().tie_word_embeddings = False


def logits(module: Any) -> Tensor:
    """Logits on a few fixed tokens, which is what proofs compare."""
    with torch.inference_mode():
        found: Tensor = module(input_ids=torch.tensor(TOKENS), use_cache=False).logits
    return found
