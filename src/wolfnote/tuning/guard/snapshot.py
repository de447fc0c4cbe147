"""The weights that are trained, as they were at the last clean look: on the CPU, and in the checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

FILE = "wolfnote-clean.safetensors"

Weights = dict[str, Tensor]


def take(model: Any) -> Weights:
    """A copy of every weight that is trained."""
    return {name: p.detach().to("cpu", copy=True) for name, p in model.named_parameters() if p.requires_grad}


def put_back(model: Any, weights: Weights) -> None:
    """The model as it was when they were taken."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(weights[name])


def save(weights: Weights, checkpoint: Path) -> None:
    """Write them beside a checkpoint, whole or not at all."""
    from safetensors.torch import save_file

    draft = checkpoint / f"{FILE}.part"
    save_file(weights, draft)
    draft.rename(checkpoint / FILE)


def load(checkpoint: Path) -> Weights | None:
    """What ``save`` wrote, or None."""
    from safetensors.torch import load_file

    file = checkpoint / FILE
    return load_file(file) if file.is_file() else None
