"""Where to push, and how hard: a small causal sweep on the base alone.

At each of a few bands of neighbouring blocks the model is pushed both ways by a few doses. What counts is the *swing*, the
margin pushed up minus the margin pushed down, against the *price*, the dearer way's relative rise of benign perplexity.
Separation does not predict it (arXiv 2511.18284), so it is measured. The choice is made on triples that no later number uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wolfnote import stats
from wolfnote.directions.steering import band
from wolfnote.results import Estimate

Change = Callable[[range, float], list[float]]
"""(blocks, dose) → the change of each triple's margin."""
Price = Callable[[range, float], float]
"""(blocks, dose) → the relative rise of benign perplexity."""


class Point(NamedTuple):
    """One band under one dose, up and down."""

    blocks: range
    dose: float
    swing: Estimate
    price: float


def run(layers: int, depths: Sequence[float], doses: Sequence[float], change: Change, price: Price) -> list[Point]:
    """Every band at every dose; ``doses`` are magnitudes."""
    found = []
    for blocks in dict.fromkeys(band(layers, depth) for depth in depths):
        for dose in doses:
            up, down = change(blocks, dose), change(blocks, -dose)
            swing = stats.mean(f"swing at ±{dose:g}, {spelled(blocks)}", [a - b for a, b in zip(up, down, strict=True)])
            found.append(Point(blocks, dose, swing, max(price(blocks, dose), price(blocks, -dose))))
    return found


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other point beats in both swing and price, the cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.price, -p.swing.value)):
        if not best or point.swing.value > best[-1].swing.value:
            best.append(point)
    return best


def chosen(points: Sequence[Point], whole: float) -> Point | None:
    """The widest swing at a price of at most ``whole``; None where every point breaks the model, or none swings."""
    affordable = [p for p in points if p.price <= whole and p.swing.value > 0]
    return max(affordable, key=lambda p: p.swing.value, default=None)


def rows(points: Sequence[Point], choice: Point | None) -> list[dict[str, Any]]:
    """One row a point: what a plot wants."""
    best = front(points)
    return [
        {
            "blocks": spelled(p.blocks), "dose": p.dose, "swing": p.swing.value, "low": p.swing.low, "high": p.swing.high,
            "price": p.price, "front": p in best, "chosen": p is choice,
        }
        for p in points
    ]  # fmt: skip


def spelled(blocks: range) -> str:
    """``blocks 13–15``."""
    return f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {blocks[0]}–{blocks[-1]}"
