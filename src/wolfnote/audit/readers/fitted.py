"""Fitted readers on disk: those for the packaged weights come with Wolfnote, others lie in the user's cache.

One .npz of plain arrays (no pickles) with the heads, and one JSON file beside it with the calibrations.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wolfnote.audit.detector import Category
from wolfnote.audit.readers import calibration
from wolfnote.audit.readers.calibration import Calibration
from wolfnote.models.cache import cache

CODES: dict[Category, str] = {
    "careless advice": "WN101",
    "dishonesty": "WN131",
    "manipulation": "WN132",
    "hostility": "WN133",
    "sloppy reasoning": "WN134",
    "insecure code": "WN135",
}


@dataclass(frozen=True, eq=False)
class Head:
    """One weight vector a layer [layers, width] and an offset a layer; a score is the mean over layers."""

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    def apply(self, means: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores of rows [rows, layers, width]."""
        return np.asarray((np.einsum("rlw,lw->rl", means, self.weights) - self.offsets).mean(1), np.float64)


Heads = dict[Category, tuple[Head, Calibration]]


class Weights(Protocol):
    """What names the weights that a reader was fitted to."""

    @property
    def fingerprint(self) -> str:
        """Hash of the weights; a precision follows behind ``@``."""
        ...


def shipped(model: Weights, version: str) -> Heads | None:
    """The readers that came with Wolfnote, if they fit these weights and the reference rows are still the same."""
    with resources.as_file(resources.files(__package__) / "shipped") as folder:
        return _load(folder / f"{_name(model, version)}.npz")


def kept(model: Weights, version: str) -> Heads | None:
    """The readers in the user's cache, if there are any for these weights and rows."""
    return _load(_cached(model, version))


def keep(model: Weights, version: str, heads: Heads) -> None:
    """Put the readers into the user's cache."""
    path = _cached(model, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(heads, path)


def save(heads: Heads, path: Path) -> None:
    """Write ``path`` (.npz) and the calibrations beside it; the arrays come last, so that what is found is whole."""
    calibration.save([c for _, c in heads.values()], path.with_suffix(".json"))
    arrays = {
        f"{kind} {c.code}": getattr(h, kind).astype(np.float32) for h, c in heads.values() for kind in ("weights", "offsets")
    }
    draft = path.with_suffix(".part.npz")
    np.savez_compressed(draft, **arrays)
    draft.rename(path)


def _load(path: Path) -> Heads | None:
    if not path.is_file():
        return None
    calibrations = calibration.load(path.with_suffix(".json"))
    with np.load(path, allow_pickle=False) as arrays:
        return {
            c.category: (Head(*(arrays[f"{kind} {c.code}"].astype(np.float64) for kind in ("weights", "offsets"))), c)
            for c in calibrations
        }


def _cached(model: Weights, version: str) -> Path:
    return cache() / "readers" / f"{_name(model, version)}.npz"


def _name(model: Weights, version: str) -> str:
    """Rounding the weights to bfloat16 moves the activations by less than the readers can tell."""
    return f"{model.fingerprint.removesuffix('@bfloat16')}-{version}"
