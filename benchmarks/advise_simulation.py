"""Advice on simulated arms: how often the recommended arm is truly not inferior, and what the sample can decide at all.

    .venv/bin/python benchmarks/advise_simulation.py [--runs 1000] [--resamples 1000]

Right-or-wrong items in clusters that hang together; all arms are paired. The tolerance is five points. Stated: the recommended
arm is more than the tolerance worse than the best in 5 % of the runs at most; a tune that is exactly the tolerance better than
every other arm wins in 5 % at most; "cosmetic" is said of a prompt at exactly 95 % of the gain in 5 % at most.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from wolfnote import stats
from wolfnote.advise import choosing, comparison
from wolfnote.advise.arms import ARMS
from wolfnote.results import Verdict

NAMES = {arm.name: arm for arm in ARMS}
TOLERANCE = 0.05


class World(NamedTuple):
    """True scores by arm, items, items a cluster."""

    title: str
    truth: dict[str, float]
    n: int
    size: int


WORLDS = (
    World("edge: base just inferior", {"base": 0.649, "RAG": 0.70}, 400, 2),
    World("edge, many arms", {"base": 0.649, "prompt": 0.649, "few-shot": 0.649, "RAG": 0.70, "RAG + few-shot": 0.70}, 400, 2),
    World("edge, clusters of 10", {"base": 0.649, "prompt": 0.649, "RAG": 0.70}, 400, 10),
    World("edge, near 1", {"base": 0.939, "RAG": 0.99}, 200, 1),
    World("edge: tune worth the tolerance", {"base": 0.3, "prompt": 0.70, "tuned": 0.75}, 400, 2),
    World("edge: prompt at 95 % of the gain", {"base": 0.2, "prompt": 0.77, "tuned": 0.8}, 2000, 2),
    World("facts that change", {"base": 0.1, "prompt": 0.15, "RAG": 0.85, "RAG + few-shot": 0.86, "tuned": 0.3}, 150, 2),
    World("the same, 1,200 items", {"base": 0.1, "prompt": 0.15, "RAG": 0.85, "RAG + few-shot": 0.86, "tuned": 0.3}, 1200, 2),
    World("a tune that is worth it", {"base": 0.4, "prompt": 0.6, "few-shot": 0.65, "tuned": 0.9}, 150, 1),
    World("all alike", {"base": 0.7, "prompt": 0.7, "RAG": 0.7, "tuned": 0.7}, 1200, 2),
)


def draw(world: World, random: np.random.Generator) -> np.ndarray:
    """Values [arms, items]: 70 % of what makes an item hard is the same for all arms, and half of that for its cluster."""
    k, groups = len(world.truth), world.n // world.size
    cluster = np.repeat(random.random(groups), world.size)
    item = np.where(random.random(world.n) < 0.5, cluster, random.random(world.n))
    hard = np.where(random.random((k, world.n)) < 0.7, item, random.random((k, world.n)))
    return (hard < np.array(list(world.truth.values()))[:, None]).astype(float)


def simulate(world: World, runs: int, resamples: int) -> dict[str, int]:
    """How often each thing was said; ``wrong`` = the recommended arm is truly inferior by more than the tolerance."""
    random = np.random.default_rng(7)
    arms = [NAMES[name] for name in world.truth]
    clean = dict.fromkeys(world.truth, Verdict.PASS)
    groups = [str(i // world.size) for i in range(world.n)]
    best = max(world.truth.values())
    said: dict[str, int] = {"wrong": 0, "undecided": 0, "tune": 0, "cosmetic": 0}
    for run in range(runs):
        drawn = comparison.draw(draw(world, random), groups, resamples=resamples, seed=run)
        found = choosing.choose(drawn, arms, list(range(len(arms))), clean, TOLERANCE)
        said["undecided"] += not found.chosen
        said["wrong"] += bool(found.chosen) and best - world.truth[found.chosen] > TOLERANCE
        said["tune"] += found.chosen == "tuned"
        said["cosmetic"] += bool(found.cosmetic)
    return said


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    print(f"{'world':<34}{'items':>7}{'wrong':>22}{'undecided':>11}{'tune wins':>11}{'cosmetic':>10}")
    for world in WORLDS:
        said = simulate(world, given.runs, given.resamples)
        wrong = stats.share("wrong", said["wrong"], given.runs)
        told = f"{wrong.value:.1%} [{wrong.low:.1%}, {wrong.high:.1%}]"
        shares = "".join(
            f"{said[key] / given.runs:>{width}.1%}" for key, width in (("undecided", 11), ("tune", 11), ("cosmetic", 10))
        )
        print(f"{world.title:<34}{world.n:>7}{told:>22}{shares}", flush=True)


if __name__ == "__main__":
    main()
