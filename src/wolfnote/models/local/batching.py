"""Rows of token ids as one padded tensor, and the positions that padding must not shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor


def pad(rows: Sequence[Sequence[int]], side: Literal["left", "right"], device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and mask, both [rows, longest]; pads are id 0 and masked everywhere."""
    width = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        where = slice(width - len(row), width) if side == "left" else slice(0, len(row))
        ids[i, where] = torch.tensor(row, dtype=torch.long)
        mask[i, where] = 1
    return ids.to(device), mask.to(device)


def positions(mask: Tensor, new: int) -> Tensor:
    """Position ids of the last ``new`` columns of ``mask`` [rows, columns], counting real tokens only."""
    return (mask.cumsum(1) - 1).clamp(min=0)[:, -new:]
