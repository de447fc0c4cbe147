"""The bench's gate on simulated models: how often it fails and passes, beside what is stated and what theory gives.

    .venv/bin/python benchmarks/bench_simulation.py [--runs 2000] [--families 400]

One measure: n items in sources of the given size; an item is lost with a probability that, in clusters, hangs together (beta,
with the given intraclass correlation). The tolerance is five points. At the tolerance, FAIL and PASS are each stated at 2.5 %.
Theory is the normal approximation with the true variance, sources included. Fewer than twenty sources decide nothing about
right-or-wrong items. Families: eight measures of 130 items through the whole gate.
"""

from __future__ import annotations

import argparse
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from wolfnote.bench import gate, paired
from wolfnote.bench.reading import Row
from wolfnote.results import Verdict
from wolfnote.settings import Policy

ALLOWED, ALARM, Z = 0.05, 0.025, 1.96
CHANGED = 0.06
"""Share of items that change either way when nothing is lost."""


class World(NamedTuple):
    """Items, sources of how many, how far those hang together, the true loss, and whether values are right or wrong."""

    n: int
    size: int
    correlation: float
    loss: float
    binary: bool


def draw(world: World, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Base, tuned and sources of one run."""
    groups = world.n // world.size
    sources = np.repeat(np.arange(groups, dtype=float), world.size)
    if not world.binary:
        common = random.normal(0, 0.1 * sqrt(world.correlation), groups)[:, None]
        noise = random.normal(0, 0.1 * sqrt(1 - world.correlation), (groups, world.size))
        return np.full(world.n, 0.6), (0.6 - world.loss - common - noise).ravel(), sources
    worse, better = CHANGED / 2 + world.loss, CHANGED / 2
    share = np.full(groups, worse)
    if world.correlation:
        strength = 1 / world.correlation - 1
        share = random.beta(worse * strength, (1 - worse) * strength, groups)
    lost = random.random((groups, world.size)) < share[:, None]
    won = (random.random((groups, world.size)) < better / (1 - worse)) & ~lost
    return lost.astype(float).ravel(), won.astype(float).ravel(), sources


def theory(world: World) -> tuple[float, float]:
    """FAIL and PASS by the normal approximation."""
    if world.binary:
        worse, better = CHANGED / 2 + world.loss, CHANGED / 2
        variance = worse + better - world.loss**2
        shared = worse * (1 - worse) * world.correlation * (1 + better / (1 - worse)) ** 2
    else:
        variance, shared = 0.01, 0.01 * world.correlation
    error = sqrt((variance + (world.size - 1) * shared) / world.n)
    return float(ndtr((world.loss - ALLOWED) / error - Z)), float(ndtr((ALLOWED - world.loss) / error - Z))


def run(world: World, runs: int, random: np.random.Generator) -> None:
    """Print one line: verdicts as told, and as they would be if nobody told the sources."""
    fails = passes = blind = 0
    for _ in range(runs):
        base, tuned, sources = draw(world, random)
        found, untold = paired.lost(base, tuned, sources), paired.lost(base, tuned, np.arange(float(world.n)))
        if found is None or untold is None:
            raise ValueError("a world of one source")
        fails += found.at_most(ALLOWED) <= ALARM
        passes += found.at_least(ALLOWED) <= ALARM
        blind += min(untold.at_most(ALLOWED), untold.at_least(ALLOWED)) <= ALARM
    fail, ok = theory(world)
    kind = "right/wrong" if world.binary else "p(correct) "
    print(f"{kind} n {world.n:5} in {world.size:2}s, ICC {world.correlation:.1f}, loss {world.loss:5.1%}: "
          f"FAIL {fails / runs:6.1%} (theory {fail:6.1%})  PASS {passes / runs:6.1%} (theory {ok:6.1%})  "
          f"decided if sources were not told {blind / runs:6.1%}")  # fmt: skip


def family(losses: list[float], runs: int, random: np.random.Generator) -> None:
    """Print the whole gate's verdicts on eight measures."""
    verdicts = dict.fromkeys(Verdict, 0)
    for _ in range(runs):
        rows = []
        for m, loss in enumerate(losses):
            _, tuned, _ = draw(World(130, 1, 0.0, loss, False), random)
            rows += [Row(f"m{m}", "p(correct)", "ability", True, f"{i}", f"{i}", 0.0, {"base": 0.6, "tuned": float(t)})
                     for i, t in enumerate(tuned)]  # fmt: skip
        verdicts[gate.judge(rows, "base", "tuned", Policy()).verdict] += 1
    told = ", ".join(f"{verdict} {count / runs:.1%}" for verdict, count in verdicts.items() if count)
    print(f"eight measures, losses {', '.join(f'{loss:.0%}' for loss in losses)}: {told}")


def main() -> None:
    """Print every world."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--families", type=int, default=400)
    chosen = parser.parse_args()
    random = np.random.default_rng(20261124)
    for binary in (True, False):
        for n, size, correlation in (
            (130, 1, 0.0),
            (500, 1, 0.0),
            (500, 5, 0.3),
            (1000, 40, 0.1),
            (520, 40, 0.1),
            (2000, 4, 0.5),
        ):
            for loss in (0.0, ALLOWED, 0.1):
                run(World(n, size, correlation, loss, binary), chosen.runs, random)
    for losses in ([0.0] * 8, [ALLOWED] * 8, [0.1] + [0.0] * 7):
        family(losses, chosen.families, random)


if __name__ == "__main__":
    main()
