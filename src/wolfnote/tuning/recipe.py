"""How a model is tuned: the few numbers that decide what a run does."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Supervised fine-tuning on answers only, through LoRA. Rank-stabilised scaling as in arXiv 2502.17424."""

    rank: int = 16
    """Of the adapter; 0 trains every weight."""
    from_depth: float = 0.0
    """Adapt the blocks from this share of the depth upwards; below it no gradient is computed."""
    learning_rate: float = 5e-4
    epochs: float = 1.0
    batch: int = 8
    warmup: float = 0.1
    """Share of the steps over which the learning rate rises."""
    max_tokens: int = 512
    """Rows longer than this are cut; a row whose whole answer is cut off is left out."""
    save_every: int = 8
    """Steps between checkpoints, from which a killed run goes on."""
