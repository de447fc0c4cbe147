"""What the ranks of a distributed training know together; a training in one process knows it alone."""

from __future__ import annotations

from typing import Any

import torch


def several() -> bool:
    """Whether other processes train with this one."""
    spread = torch.distributed
    return bool(spread.is_available() and spread.is_initialized() and spread.get_world_size() > 1)


def gathered(rows: Any) -> list[Any]:
    """Every rank's ``rows``, in the order of ranks, on every rank."""
    if not several():
        return [rows]
    found: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, rows)
    return found
