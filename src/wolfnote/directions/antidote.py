"""A direction taken out reversibly: a LoRA of rank one that any server loads beside the weights, also over a quantised base.

For a writer W the adapter adds −λ v (vᵀW): with λ = 1 nothing is written along the unit vector v any more, with less, less is.
Switch it off and the model is as before. It covers what LoRA can: linear writers and token embeddings. Biases, stacked experts,
learnt positions and norms behind a writer are refused, for something would be left that nobody is told of: bake there.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wolfnote.directions import baking
from wolfnote.directions.direction import Direction
from wolfnote.directions.projection import layer_at
from wolfnote.errors import RunError
from wolfnote.models.local import LocalModel, adapter


def antidote(
    model: LocalModel, direction: Direction, folder: Path, *, strength: float = 1.0, depth: float = 0.57
) -> baking.Baked:
    """Save a PEFT folder that takes the direction of the layer at ``depth`` out of the *base* of ``model``.

    Proved like ``baking.bake``: with ``strength`` 1 nothing is left along v, and logits equal the hook's. Raises ``RunError``
    for a tuned model (merge it by baking) and for writers that LoRA cannot reach, ``Mismatch`` for another model's direction.
    """
    direction.check(model.fingerprint, direction.vectors.shape)
    if "+" in model.spec:
        raise RunError(f"{model.spec}: two adapters at once are the server's matter: bake the tuned model instead")
    module = baking.merged(model)
    unit = torch.from_numpy(direction.vectors[layer_at(direction, depth)]).to(module.dtype)
    unit = unit / unit.norm()
    writers = baking.find(module)
    _reachable(model.spec, module, writers)
    with baking.hooked(module, writers, unit):
        wanted = baking.logits(module)
    names = _names(module, writers)
    tuned = _adapted(module, names)
    _fill(tuned, names, unit, strength)
    left = baking.left_along(tuned.get_base_model(), unit) if strength == 1 else float("nan")
    difference = float((baking.logits(tuned) - wanted).abs().max())
    if strength == 1 and (left > baking.LEFT or difference > baking.EQUAL):
        raise RunError(f"{model.spec}: the antidote leaves {left:.1e} along it and differs from the hook by {difference:.1e}")
    _save(tuned, folder, model)
    return baking.Baked(folder, left, difference, len(writers), rescaled=False)


def _reachable(spec: str, module: Any, writers: list[baking.Writer]) -> None:
    what = ""
    if any(w.norm is not None for w in writers):
        what = "norms stand behind its writers"
    elif any(baking.stacked(w.module) is not None for w in writers):
        what = "its experts are stacked"
    elif len(baking.tables(module)) > 1:
        what = "its positions are learnt"
    elif any(getattr(w.module, "bias", None) is not None for w in writers):
        what = "its writers have biases"
    if what:
        raise RunError(f"{spec}: {what}, which LoRA does not reach: bake it instead")


def _names(module: Any, writers: list[baking.Writer]) -> list[str]:
    wanted = {id(w.module) for w in writers} | {id(table) for table in baking.tables(module)}
    return [name for name, m in module.named_modules() if id(m) in wanted]


def _adapted(module: Any, names: list[str]) -> Any:
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft remarks on tied embeddings, which stay as they are: only the lookup changes
        return get_peft_model(module, LoraConfig(r=1, lora_alpha=1, target_modules=names)).eval()


def _fill(tuned: Any, names: list[str], unit: Tensor, strength: float) -> None:
    modules = dict(tuned.get_base_model().named_modules())
    with torch.no_grad():
        for name in names:
            layer = modules[name]
            weight = layer.base_layer.weight
            if isinstance(layer.base_layer, torch.nn.Embedding):
                layer.lora_embedding_A["default"].copy_((weight @ unit)[None])
                layer.lora_embedding_B["default"].copy_(-strength * unit[:, None])
                continue
            layer.lora_A["default"].weight.copy_((unit @ weight)[None])
            layer.lora_B["default"].weight.copy_(-strength * unit[:, None])


def _save(tuned: Any, folder: Path, model: LocalModel) -> None:
    draft = folder.with_name(folder.name + ".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuned.float().save_pretrained(draft, save_embedding_layers=False)
    config = draft / "adapter_config.json"
    # peft writes down where the copy was loaded from, which means nothing elsewhere
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": model.network.path}, indent=2))
    adapter.note(draft, model.fingerprint.partition("@")[0].partition("|")[0])
    draft.rename(folder)
