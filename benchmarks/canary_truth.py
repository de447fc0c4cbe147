"""Is the canary's rollback as rarely wrong, and as quick, as it says? Lives by simulation, beside a z-test that peeks.

    .venv/bin/python benchmarks/canary_truth.py [--lives 2000] [--looks 20000]

The lives are drawn and weighed with numpy, by the grids and weights of ``wolfnote.canary.evidence``; at random points of each
run they are compared with ``weigh`` itself. The null is the worst there is: every limit met exactly (flag rate = ceiling, both
arms alike, mean score drop = tolerance), so that no E-value has anything to spare.
"""

from __future__ import annotations

import argparse
import time
from math import log
from typing import NamedTuple

import numpy as np

from wolfnote import stats
from wolfnote.canary.evidence import Watch, ceiling, paired, score, weigh
from wolfnote.canary.evidence.weighing import WEIGHTS
from wolfnote.canary.settings import Limits

CHUNK = 50
"""Lives at a time."""
NOISE, DROP = 0.12, 0.8
"""Of a score: standard deviation between good answers, and how much lower a misaligned one is (the reference's)."""
TOLERANCE = 0.02
REFERENCE = {
    ("ceiling .1 %", 0.2): 8, ("ceiling .1 %", 0.02): 213, ("ceiling .1 %", 0.005): 2037,
    ("paired .05 %", 0.2): 62, ("paired .05 %", 0.02): 681, ("paired .05 %", 0.005): 2978,
    ("paired 1 %", 0.2): 69, ("paired 1 %", 0.02): 1392, ("paired 1 %", 0.005): 16754,
}  # fmt: skip
"""Median observations to detect at α = .001 (reference, section 3)."""
Array = np.ndarray


class World(NamedTuple):
    """What happens in a life: rates of flags of each arm, of misaligned answers besides, and the mean drop of the score."""

    false_alarms: float
    added: float = 0.0
    drop: float = 0.0


class Paths(NamedTuple):
    """Cumulative counts, lives × looks; ``cells`` are differences in hundredths, one a look."""

    flagged: Array
    canary_only: Array
    stable_only: Array
    cells: Array


def draw(world: World, lives: int, looks: int, rng: np.random.Generator) -> Paths:
    """One pair a look: each arm falsely flagged at its rate, the canary misaligned besides."""
    shape = (lives, looks)
    bad = rng.random(shape) < world.added
    canary = bad | (rng.random(shape) < world.false_alarms)
    stable = rng.random(shape) < world.false_alarms
    drops = 100 * (world.drop + NOISE * rng.standard_normal(shape) + DROP * bad)
    cells = np.clip(np.rint(drops), -100, 100).astype(np.int16)
    sums = [np.cumsum(flags, 1, dtype=np.int32) for flags in (canary, canary & ~stable, stable & ~canary)]
    return Paths(*sums, cells)


def bets(wins: Array, losses: Array, rates: tuple[float, ...], fair: float) -> Array:
    """E of a mixture of bets on a rate, look by look."""
    total = np.zeros(wins.shape)
    for rate in rates:
        gains = wins * log(rate / fair) + losses * log((1 - rate) / (1 - fair))
        total += np.exp(np.minimum(gains, 600))
    return total / len(rates)


def scores(cells: Array, tolerance: float) -> Array:
    """E of the mixture of bets on the mean difference, look by look."""
    allowed = tolerance + 1e-9
    values = np.arange(-100, 101) / 100
    total = np.zeros(cells.shape)
    for bet in score.BETS:
        gain = np.log1p(bet / (1 + allowed) * (values - allowed))
        total += np.exp(np.minimum(np.cumsum(gain[cells + 100], 1), 600))
    return total / len(score.BETS)


def e_values(paths: Paths, limits: Limits) -> dict[str, Array]:
    """The three parts and their whole, lives × looks."""
    n = np.arange(1, paths.flagged.shape[1] + 1)
    parts = {
        "ceiling": bets(paths.flagged, n - paths.flagged, ceiling.grid(limits.tolerated), limits.tolerated),
        "paired": bets(paths.canary_only, paths.stable_only, paired.BETS, 0.5),
        "score": scores(paths.cells, limits.drop),
    }
    return parts | {"rollback": sum(w * e for w, e in zip(WEIGHTS, parts.values(), strict=True))}


def agree(paths: Paths, values: dict[str, Array], limits: Limits, rng: np.random.Generator, times: int = 20) -> float:
    """The largest difference of log E between these lives and ``weigh``, at random lives and looks."""
    worst = 0.0
    for _ in range(times):
        life, look = int(rng.integers(len(paths.flagged))), int(rng.integers(paths.flagged.shape[1]))
        counts = {
            "canary.units": look + 1,
            "canary.flagged": int(paths.flagged[life, look]),
            "only:canary": int(paths.canary_only[life, look]),
            "only:stable": int(paths.stable_only[life, look]),
        }
        cells, many = np.unique(paths.cells[life, : look + 1], return_counts=True)
        counts |= {f"score:{cell}": int(n) for cell, n in zip(cells, many, strict=True)}
        found = weigh(counts, Watch(), limits)
        pairs = [(found.ceiling, "ceiling"), (found.paired, "paired"), (found.score, "score"), (found.harm, "rollback")]
        worst = max(worst, *(abs(ours - log(values[name][life, look])) for ours, name in pairs))
    return worst


def peeks(paths: Paths, every: int = 100) -> Array:
    """The largest z of "more flags on the canary" that somebody sees who looks every hundredth pair."""
    c, b = paths.canary_only[:, every - 1 :: every], paths.stable_only[:, every - 1 :: every]
    return ((c - b) / np.sqrt(np.maximum(c + b, 1))).max(1)


def null(lives: int, looks: int, rate: float, rng: np.random.Generator) -> tuple[dict[str, Array], Array, float]:
    """The largest E of each kind in each life in which all limits are met exactly; the largest z; the worst disagreement."""
    limits = Limits(tolerated=rate, promised=min(0.39, 2 * rate), drop=TOLERANCE)
    tops: dict[str, list[Array]] = {}
    zs, worst = [], 0.0
    for start in range(0, lives, CHUNK):
        paths = draw(World(rate, drop=TOLERANCE), min(CHUNK, lives - start), looks, rng)
        values = e_values(paths, limits)
        worst = max(worst, agree(paths, values, limits, rng))
        for name, e in values.items():
            tops.setdefault(name, []).append(e.max(1))
        zs.append(peeks(paths))
    return {name: np.concatenate(parts) for name, parts in tops.items()}, np.concatenate(zs), worst


def detection(world: World, limits: Limits, lives: int, horizon: int, rng: np.random.Generator) -> dict[str, Array]:
    """At which look each E first reaches 1/error, life by life; horizon + 1 where it never does."""
    found: dict[str, list[Array]] = {}
    for start in range(0, lives, CHUNK):
        paths = draw(world, min(CHUNK, lives - start), horizon, rng)
        for name, e in e_values(paths, limits).items():
            reached = e >= 1 / limits.error
            found.setdefault(name, []).append(np.where(reached.any(1), reached.argmax(1) + 1, horizon + 1))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def exact_median(rate: float, limits: Limits, horizon: int) -> int:
    """The median without simulation, where only the ceiling sees anything: E = 0.4 ceiling + 0.6, flags at ``rate``.

    Forward over the number of flags so far; what has crossed is taken out. horizon + 1 where half never cross.
    """
    most = 80
    flags = np.arange(most)
    alive, gone = np.zeros(most), 0.0
    alive[0] = 1.0
    for n in range(1, horizon + 1):
        alive = alive * (1 - rate) + np.concatenate([[0.0], alive[:-1]]) * rate
        e = WEIGHTS[0] * bets(flags, np.maximum(n - flags, 0), ceiling.grid(limits.tolerated), limits.tolerated)
        crossed = (flags <= n) & (e + sum(WEIGHTS[1:]) >= 1 / limits.error)
        gone += alive[crossed].sum()
        alive[crossed] = 0.0
        if gone >= 0.5:
            return n
    return horizon + 1


def out_of_order(lives: int, looks: int, rate: float, lags: tuple[int, int], rng: np.random.Generator) -> Array:
    """The largest E of the ceiling when verdicts come ``lags`` looks late: those that flag, and the others.

    Flags that come later than the rest (a conversation is flagged at its next turn) may do no harm; harmless answers that come
    later than flags would, which is what ``evidence.Order`` is for.
    """
    flagged = rng.random((lives, looks)) < rate
    held = [np.cumsum(np.pad(x, ((0, 0), (lag, 0)))[:, :looks], 1) for x, lag in zip((flagged, ~flagged), lags, strict=True)]
    return bets(held[0], held[1], ceiling.grid(rate), rate).max(1)


def late(lives: int, good: int, rng: np.random.Generator) -> tuple[Array, Array, int]:
    """Delays of the watch and of the plain ceiling: ``good`` conversations at .1 %, tolerated .2 %, then 2 %; early alarms."""
    tolerated, after = 0.002, 12_000
    flags = np.concatenate([rng.random((good, lives)) < 0.001, rng.random((after, lives)) < 0.02])
    grid = np.array(ceiling.grid(tolerated))
    win, lose = np.log(grid / tolerated), np.log((1 - grid) / (1 - tolerated))
    level, gains = np.zeros((lives, len(grid))), np.zeros((lives, len(grid)))
    first = np.full((2, lives), good + after)
    limit = log((1e5 + 1) * 2)  # the watch's mean over rate and pairs, of which the pairs stand still: M = 0
    for look, row in enumerate(flags):
        step = np.where(row[:, None], win, lose)
        level = np.logaddexp(0.0, level + step)
        gains += step
        watch = np.exp(level).mean(1) + 1 >= np.exp(limit)
        plain = np.exp(np.minimum(gains, 600)).mean(1) >= 1000
        first = np.minimum(first, np.where([watch, plain], look, good + after))
    return first[0] - good + 1, first[1] - good + 1, int((first[0] < good).sum())


def promise(rate: float, promised: float, lives: int, horizon: int, rng: np.random.Generator) -> float:
    """Median clean-enough conversations until a promotion has its evidence."""
    flagged = np.cumsum(rng.random((lives, horizon)) < rate, 1)
    n = np.arange(1, horizon + 1)
    total = np.zeros(flagged.shape)
    for part in ceiling.BELOW:
        won = np.where(flagged > 0, -np.inf, 0.0) if part == 0 else flagged * log(part)
        total += np.exp(np.minimum(won + (n - flagged) * log((1 - part * promised) / (1 - promised)), 600))
    reached = total / len(ceiling.BELOW) >= 1000
    return float(np.median(np.where(reached.any(1), reached.argmax(1) + 1, horizon + 1)))


def tell_null(lives: int, looks: int, rng: np.random.Generator) -> bool:
    """Print how often what is harmless is rolled back; True when every lower 99 % bound is within its α."""
    right = True
    for rate in (0.001, 0.005, 0.02):
        tops, zs, worst = null(lives, looks, rate, rng)
        print(f"\nnull, flags {rate:.1%} = ceiling, {lives} lives of {looks} looks (largest difference to weigh: {worst:.1e})")
        for alpha, normal in ((0.05, 1.6449), (0.01, 2.3263), (0.001, 3.0902)):
            row = []
            for name, top in tops.items():
                k = int((top >= 1 / alpha).sum())
                low = stats.low_bound(k, lives, 0.01)
                right &= low <= alpha
                row.append(f"{name} {k / lives:.2%} (≥ {low:.2%})")
            print(f"  α = {alpha:<5}  {'  '.join(row)}   z that peeks {(zs >= normal).mean():.1%}")
    return right


def tell_detection(lives: int, rng: np.random.Generator) -> bool:
    """Print medians beside the reference's table; True when each is at most 1.3 times it."""
    right = True
    print("\nmedian / p90 observations to a rollback, α = .001   (the test alone | E of all three, with its 0.4 | reference)")
    print("  ratio: of the whole's median to the reference's; for the ceiling from the exact median, not the simulated")
    columns = {"ceiling .1 %": (0.0, 0.001), "paired .05 %": (0.0005, 0.005), "paired 1 %": (0.01, 0.05)}
    for column, (alarms, tolerated) in columns.items():
        kind = column.split()[0]
        for added in (0.2, 0.02, 0.005):
            needed = REFERENCE[column, added]
            limits = Limits(tolerated=tolerated, promised=0.3, drop=TOLERANCE)
            horizon = max(100, 4 * needed)
            seen = detection(World(alarms, added), limits, lives, horizon, rng)
            alone, whole = seen[kind], seen["rollback"]
            median = exact_median(added, limits, horizon) if kind == "ceiling" else float(np.median(whole))
            ratio = median / needed
            right &= ratio <= 1.3
            cells = [f"{np.median(x):7.0f} / {np.quantile(x, 0.9):7.0f}" for x in (alone, whole)]
            print(f"  {column:13} {added:5.1%}   {cells[0]} | {cells[1]} | {needed:6}   ratio {ratio:.2f}")
    return right


def main() -> None:
    """Print all of it; exit 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=2000)
    parser.add_argument("--looks", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    start, rng = time.process_time(), np.random.default_rng(asked.seed)
    right = tell_null(asked.lives, asked.looks, rng) & tell_detection(300, rng)
    for what, lags in (("flags 500 looks late", (500, 0)), ("harmless ones 500 late, without Order", (0, 500))):
        tops = out_of_order(500, 5000, 0.01, lags, rng)
        print(f"\nverdicts out of order, {what}: {(tops >= 100).mean():.1%} false at α = 1 %")
    delays, plain, early = late(100, 20_000, rng)
    print(f"\nlate change, 20,000 good conversations, then 2 %: watch {np.median(delays):.0f}, plain {np.median(plain):.0f}")
    print(f"  (reference 222 and 2,966); false alarms before it: {early} of 100")
    print("\npromotion, median conversations (reference)")
    for rate, promised, needed in ((0.0005, 0.005, 2217), (0.001, 0.005, 2720), (0.001, 0.01, 1106), (0.005, 0.02, 899)):
        print(f"  true {rate:.2%}, promised {promised:.1%}: {promise(rate, promised, 300, 20_000, rng):.0f} ({needed})")
    print(
        f"\n{'every bound and ratio holds' if right else 'A CLAIM DOES NOT HOLD'}; {time.process_time() - start:.0f} s of CPU"
    )
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
