"""Is the canary's part of new conversations what it was meant to be? A sequential test of the sample ratio.

Null: at each share w, every new conversation is the canary's with probability w. Bets say that the odds are off by a factor,
either way; E is exactly 1 on average under the null, so its error holds at all looks. What breaks it: a canary that fails and
is answered for, a cache before the gateway, clients that retry.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum, log

from wolfnote.canary.assignment import Arm
from wolfnote.canary.evidence import mixture

ODDS = (1 / 4, 1 / 2, 1 / 1.25, 1.25, 2, 4)
PREFIX = "split:"


def away(counts: Mapping[str, int]) -> float:
    """log E against "as drawn", over all shares there were. Reads the counts that begin with ``PREFIX``."""
    cells = sorted(_cells(counts).items())
    if not cells:
        return 0.0
    return mixture.log_mean([fsum(_gain(share, *cell, odds) for share, cell in cells) for odds in ODDS])


def realised(counts: Mapping[str, int]) -> dict[float, tuple[int, int]]:
    """Share → new conversations that canary and stable answered (in the sample)."""
    return _cells(counts)


def _gain(share: float, canary: int, stable: int, odds: float) -> float:
    moved = share * odds / (1 - share + share * odds)
    return canary * log(moved / share) + stable * log((1 - moved) / (1 - share))


def _cells(counts: Mapping[str, int]) -> dict[float, tuple[int, int]]:
    found: dict[float, tuple[int, int]] = {}
    for name, many in counts.items():
        if name.startswith(PREFIX):
            share, arm = name.removeprefix(PREFIX).rsplit(":", 1)
            canary, stable = found.get(float(share), (0, 0))
            found[float(share)] = (canary + many, stable) if arm == Arm.CANARY else (canary, stable + many)
    return {share: cell for share, cell in found.items() if 0 < share < 1}
