"""Which weights: hashes that name a base, an adapter, or a model spec as a whole. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

NOTE = "wolfnote.json"
"""Beside an adapter that Wolfnote tuned: the fingerprint of its base."""


def weights_fingerprint(path: str) -> str:
    """First 16 hex digits of the SHA-256 over the folder's safetensors files; for a hub id, of the id."""
    files = sorted(Path(path).glob("*.safetensors"))
    if not files:
        return hashlib.sha256(path.encode()).hexdigest()[:16]
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as data:
            digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:16]


def weights_of(fingerprint: str) -> str:
    """The base weights in a fingerprint ``WEIGHTS@PRECISION+ADAPTER|INTERVENTION``: in any precision, under any tune."""
    return fingerprint.partition("|")[0].partition("+")[0].partition("@")[0]


def content_fingerprint(file: Path) -> str:
    """First 16 hex digits of the SHA-256 of a file; of one that cannot be read, "" (whoever opens it says so better)."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def adapter_fingerprint(folder: Path) -> str:
    """First 16 hex digits of the SHA-256 over a PEFT folder's weights and the settings that scale them."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    scale = {k: config.get(k) for k in ("r", "lora_alpha", "use_rslora", "peft_type")}
    digest = hashlib.sha256((folder / "adapter_model.safetensors").read_bytes())
    digest.update(json.dumps(scale, sort_keys=True).encode())
    return digest.hexdigest()[:16]
