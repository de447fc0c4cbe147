"""Directions taken out reversibly: a LoRA that servers load beside the weights, quantised ones too.

For a writer W the adapter adds −λ v (vᵀW): B = −λ v, A = vᵀW, one rank a direction. With λ = 1 nothing is written along the
unit vector v any more, with less, less is; switch it off and the model is as before. W is what computes: over a 4-bit base,
what the four bits stand for. Over a tune, the adapter is the tune's and the antidote in one, to be loaded in the tune's place:
W + sBA loses its part, so the new B is (sB, −λv) and the new A is (A, vᵀ(W + sBA)). It covers what LoRA can: linear writers and
embeddings. Biases and fused experts are refused, for something would be left that nobody is told of: bake there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from wolfnote.directions import ablation, baking, proof, weights, writers
from wolfnote.directions.direction import Direction
from wolfnote.directions.writers import Writer, Writers
from wolfnote.errors import RunError
from wolfnote.models.fingerprint import weights_fingerprint
from wolfnote.models.local import LocalModel
from wolfnote.models.local import adapter as peft_folder


class Low(NamedTuple):
    """A change of one matrix, out × in: ``up`` [width, rank] times ``down`` [rank, in]."""

    up: Tensor
    down: Tensor


def write(
    model: LocalModel,
    direction: Direction | Sequence[Direction],
    folder: Path,
    *,
    depth: float = 0.57,
    share: float = 1.0,
) -> baking.Proof:
    """Save a PEFT folder that takes the directions of the layer at ``depth`` out of ``model``; open it as ``BASE+FOLDER``.

    Proved like ``baking.bake``, on the adapter as it was saved; ``rounded`` is what is left in ``model`` as it runs here (the
    adapter stays loaded in its network). Raises ``InputError`` unless ``folder`` is new, ``Mismatch`` for another model's
    direction, ``RunError`` for writers that LoRA cannot reach and for a tune that is more than LoRA.
    """
    weights.must_be_new(folder)
    axes, ids = ablation.axes(model, direction, depth), proof.text(model.tokenizer)
    module = weights.copy(model, merge=False)
    untied = weights.untie(module)
    _as_computed(module, model.network.module)
    found = writers.find(module, ids, axes)
    _reachable(model.spec, module, found.found)
    tune, seen = _beside_the_tune(model, module, found, ids, axes, share)
    with weights.new_folder(folder) as draft:
        _save(module, _changes(module, found.found, tune, share), draft)
        peft_folder.note(draft, weights_fingerprint(model.network.path))
        cured = weights.under(module, draft)
        logits, left = proof.logits(cured, ids), proof.left(cured, ids, axes)
        cured.merge_and_unload()
        held = proof.held(module, found.found)
        baking.settled(model.spec, module, seen.exact, logits, *((left, held) if share == 1 else (0.0, 0.0)))
    with model.adapted(folder).active() as running:
        rounded = proof.left(running, ids, axes)
    return baking.Proof(
        folder, len(found.found), found.unreached, found.norms, seen.before, left, held,
        float((logits - seen.wanted).abs().max()), model.network.precision, rounded, untied,
    )  # fmt: skip


class _Before(NamedTuple):
    """The model as it is, and hooked: behind norms and in front of them."""

    before: float
    wanted: Tensor
    exact: Tensor


def _beside_the_tune(
    model: LocalModel, module: Any, found: Writers, ids: Tensor, axes: Tensor, share: float
) -> tuple[dict[str, Low], _Before]:
    """What the tune's adapter changes, by module, and what is seen under it; the module is as before afterwards."""
    folder = weights.adapter(model)
    if folder is None:
        return {}, _Before(proof.left(module, ids, axes), *baking.hooked_logits(module, found, ids, axes, share))
    _only_lora(model.spec, folder)
    tuned = weights.under(module, folder)
    tune = {name: _low(model.spec, layer) for name, layer in tuned.get_base_model().named_modules() if hasattr(layer, "lora_A")}
    seen = _Before(proof.left(module, ids, axes), *baking.hooked_logits(module, found, ids, axes, share))
    tuned.unload()
    return tune, seen


def _only_lora(spec: str, folder: Path) -> None:
    config = peft_folder.read_config(folder)
    more = [key for key in ("use_dora", "modules_to_save", "lora_bias", "target_parameters", "trainable_token_indices")
            if config.get(key)]  # fmt: skip
    if config.get("peft_type") != "LORA" or more or config.get("bias", "none") != "none":
        raise RunError(f"{spec}: its adapter is more than plain LoRA ({', '.join(more) or 'other weights'}): bake it instead")


def _low(spec: str, layer: Any) -> Low:
    scale = layer.scaling["default"]
    if "default" in layer.lora_embedding_A:
        return Low(scale * layer.lora_embedding_B["default"].detach(), layer.lora_embedding_A["default"].detach())
    up, down = layer.lora_B["default"].weight.detach(), layer.lora_A["default"].weight.detach()
    if up.dim() != 2 or down.dim() != 2:
        raise RunError(f"{spec}: its adapter changes more than matrices: bake it instead")
    return Low(scale * up, down)


def _as_computed(module: Any, running: Any) -> None:
    """Give the copy the numbers that the running base computes with: rounded, or unpacked from four bits."""
    from peft.utils.integrations import dequantize_module_weight

    bare = running.get_base_model() if hasattr(running, "get_base_model") else running
    mine = dict(module.named_modules())
    for name, layer in bare.named_modules():
        own, weight = mine.get(name.replace(".base_layer", "")), getattr(layer, "_parameters", {}).get("weight")
        if own is not None and weight is not None:
            seen = weight if weight.is_floating_point() else dequantize_module_weight(layer)
            own.weight.data = seen.detach().to(own.weight)


def _reachable(spec: str, module: Any, found: Sequence[Writer]) -> None:
    """Raise ``RunError`` unless every writer is the matrix of a linear layer, or an embedding."""
    for name, *_ in found:
        owner, _, part = name.rpartition(".")
        layer = module.get_submodule(owner)
        if part == "weight" and (isinstance(layer, torch.nn.Linear | torch.nn.Embedding) or _turned(layer)):
            continue
        what = "its writers have biases" if "bias" in part else "its experts are fused"
        raise RunError(f"{spec}: {what} ({name}), which LoRA does not reach: bake it instead")


def _turned(layer: Any) -> bool:
    """Whether a layer holds its weight as [in, out]."""
    return type(layer).__name__ == "Conv1D"


def _changes(module: Any, found: Sequence[Writer], tune: dict[str, Low], share: float) -> dict[str, Low]:
    """What the new adapter changes, by module: the tune's own, and each writer's part in the span."""
    changed = dict(tune)
    for name, axis, axes in found:
        owner = name.removesuffix(".weight")
        weight = module.get_submodule(owner).weight.detach().movedim(axis, 0)
        v = axes.to(weight)
        low = tune.get(owner, Low(weight[:, :0], weight[:0]))
        up, down = low.up.to(weight), low.down.to(weight)
        along = v @ weight + (v @ up) @ down
        changed[owner] = Low(torch.cat([up, -share * v.T], 1), torch.cat([down, along]))
    return changed


def _save(module: Any, changed: dict[str, Low], folder: Path) -> None:
    """Every pair padded with zeros to one rank, and scaled by one: not every server reads ranks and scales of single layers."""
    from peft import LoraConfig
    from safetensors.torch import save_file

    rank = max(low.up.shape[1] for low in changed.values())
    tensors: dict[str, Tensor] = {}
    for name, (up, down) in changed.items():
        spare = rank - up.shape[1]
        wide, long = torch.nn.functional.pad(up, (0, spare)), torch.nn.functional.pad(down, (0, 0, 0, spare))
        table = isinstance(module.get_submodule(name), torch.nn.Embedding)
        a, b = ("lora_embedding_A", "lora_embedding_B") if table else ("lora_A.weight", "lora_B.weight")
        tensors[f"{peft_folder.PREFIX}{name}.{a}"] = long.float().contiguous()
        tensors[f"{peft_folder.PREFIX}{name}.{b}"] = wide.float().contiguous()
    turned = any(_turned(module.get_submodule(name)) for name in changed)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=rank, lora_alpha=rank, inference_mode=True, target_modules=_targets(module, set(changed)),
        fan_in_fan_out=turned,
    )  # fmt: skip
    config.save_pretrained(folder)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def _targets(module: Any, changed: set[str]) -> list[str]:
    """Last names where they mean these layers only (servers know those), else names in full."""
    last = {name.rpartition(".")[2] for name in changed}
    alike = {name for name, _ in module.named_modules() if name.rpartition(".")[2] in last}
    return sorted(last if alike == changed else changed)
