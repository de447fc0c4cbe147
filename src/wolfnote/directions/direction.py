"""A persona direction: one unit vector a layer, where it came from, and the numbers that make projections readable.

Layer l means the output of decoder block l, counted from 0 (never ``hidden_states``, which is off by one and ends behind
the final norm). Positive = more of the persona.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wolfnote.directions.persona import Name
from wolfnote.errors import InputError, Mismatch
from wolfnote.models.fingerprint import weights_of

Floats = NDArray[np.float32]
ARRAYS = ("vectors", "neutral", "spread", "gap", "norm")


@dataclass(frozen=True, eq=False)
class Direction:
    """``vectors`` [layers, width] of unit norm, or zero where nothing was found; ``neutral`` and ``spread`` [layers]: mean and
    standard deviation of the projection of the base's own plain answers; ``gap`` [layers]: persona minus anti-persona, in that
    spread; ``norm`` [layers]: median norm of those answers' activations, by which attention sinks are told from words."""

    persona: str
    vectors: Floats
    neutral: Floats
    spread: Floats
    gap: Floats
    norm: Floats
    model: str
    position: str = "mean over answer tokens"
    receipts: dict[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> int:
        """How many blocks it covers, from the first."""
        return len(self.vectors)

    def score(self, activations: Floats, model: str) -> Floats:
        """z-scores [rows, layers] of ``activations`` [rows, layers, width]; raises ``Mismatch`` for another model's."""
        self.check(model, activations.shape[1:])
        raw: Floats = np.einsum("rlw,lw->rl", activations, self.vectors)
        return np.asarray((raw - self.neutral) / self.spread, np.float32)

    def check(self, model: str, shape: tuple[int, ...]) -> None:
        """Raise ``Mismatch`` unless the activations come from the base this direction was found in, or a tune of it.

        The same weights in another precision are the same model.
        """
        base, own = weights_of(model), weights_of(self.model)
        if base != own or shape != self.vectors.shape:
            raise Mismatch(f"the {self.persona} direction was found in model {own}, not in {base}: extract it anew")

    def save(self, path: Path) -> None:
        """Write safetensors with a JSON header. Raises ``InputError`` where nothing can be written."""
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        header = {"persona": self.persona, "model": self.model, "position": self.position, "receipts": self.receipts}
        arrays = {name: getattr(self, name) for name in ARRAYS}
        draft = path.with_name(path.name + ".part")
        try:
            save_file(arrays, draft, metadata={"wolfnote.direction": json.dumps(header)})
            draft.rename(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"cannot be written ({error})", where=str(path), remedy="choose another place") from None


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """What a file says beside its arrays. A file from elsewhere names the files that later runs write."""

    persona: Name
    model: str
    position: str
    receipts: dict[str, Any]


def load(path: Path) -> Direction:
    """Read what ``save`` wrote; raises ``InputError`` for anything else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            header = msgspec.convert(json.loads((file.metadata() or {})["wolfnote.direction"]), _Header)
            arrays = {key: file.get_tensor(key) for key in ARRAYS}
    except (OSError, SafetensorError, KeyError, ValueError):
        remedy = "give a .safetensors file that wolfnote wrote"
        raise InputError("not a direction", where=str(path), remedy=remedy) from None
    return Direction(**msgspec.structs.asdict(header), **arrays)
