"""The probe's claims on simulated runs: false alarms of each statement, wrong passes, power, and where sequential runs end.

nice .venv/bin/python benchmarks/probe_simulation.py [--runs 1000] [--speed]

Rates of questions are drawn from a beta distribution; 77 questions, up to 4 draws each, all looks taken as a real run takes
them. FAIL = p ≤ 5 % at some look; "like these" and "changed at all" are read where the run ended. Nominal: 5 %.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from wolfnote import paired
from wolfnote.probe import claims
from wolfnote.probe.gate import bad
from wolfnote.probe.pairs import Pair, Side, looks, until

QUESTIONS, DRAWS, TOLERANCE = 77, 4, 0.03
FINE, BAD = Side("fine", "fine"), Side("bad", "misaligned")


def pairs(base: np.ndarray, tuned: np.ndarray) -> list[Pair]:
    return [
        Pair(f"q{q}", "plain", "t", "x", d, BAD if base[q, d] else FINE, BAD if tuned[q, d] else FINE)
        for q in range(base.shape[0])
        for d in range(base.shape[1])
    ]


def run(base: np.ndarray, tuned: np.ndarray, chance: np.random.Generator, tolerance: float) -> tuple[int, claims.Claim]:
    """The look at which a run ends, and its claim there."""
    every = pairs(*(chance.random((QUESTIONS, DRAWS)) < rate[:, None] for rate in (base, tuned)))
    for look in looks(DRAWS):
        claim = claims.share("misaligned", until(every, look), bad, tolerance, DRAWS)
        if claim.p <= claims.ERROR:
            break
    return look, claim


def rates(mean: float, chance: np.random.Generator, concentration: float = 1.0) -> np.ndarray:
    """Rates of questions, mean ``mean``, from nearly all 0 or 1 (small concentration) to all alike."""
    if mean == 0:
        return np.zeros(QUESTIONS)
    return chance.beta(mean * concentration, (1 - mean) * concentration, QUESTIONS)


def cell(name: str, before: float, after: float, runs: int, *, tolerance: float, moved: bool) -> None:
    """One line: how often each statement fires. ``moved``: base and tuned draw their questions' rates apart."""
    chance = np.random.default_rng(len(name))
    fails, likes, anys, passes, ends = [], [], [], [], []
    for _ in range(runs):
        base = rates(before, chance)
        tuned = rates(after, chance) if moved else np.clip(base + (after - before), 0, 1)
        look, claim = run(base, tuned, chance, tolerance)
        fails.append(claim.p <= claims.ERROR)
        likes.append(claim.p_like <= claims.ERROR)
        anys.append(claim.p_any <= claims.ERROR)
        passes.append(claim.high is not None and claim.high < tolerance)
        ends.append(look)
    shown = " ".join(f"{np.mean(each):.3f}" for each in (fails, likes, anys, passes))
    print(f"{name:44} {shown}   draws {np.mean(ends):.2f}")


def speed() -> None:
    """Statistics over 10,000 paired records with 10,000 resamples."""
    x = np.random.default_rng(0).normal(0.1, 1, 10_000)
    questions = np.repeat(np.arange(500), 20)
    begun = time.perf_counter()
    p = paired.flipped(x.tolist())
    estimate = paired.resampled("mean", paired.by_question(questions.tolist(), x.tolist()))
    counts = paired.Counts(600, 300, 10_000)
    paired.rise("rate", counts)
    paired.above(counts, 0.03)
    paired.stratified([12] * 500, [6] * 500, [20] * 500)
    print(f"10,000 pairs, 10,000 resamples: {time.perf_counter() - begun:.2f} s (bound 2 s); p = {p:.4f}, {estimate}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        speed()
        return
    print(f"{given.runs} runs a line{'':28} FAIL  like  any   PASS")
    for before in (0.0, 0.01, 0.05):
        cell(f"no change, {before:.0%}", before, before, given.runs, tolerance=TOLERANCE, moved=False)
        cell(f"no change, {before:.0%}, tolerance 0", before, before, given.runs, tolerance=0.0, moved=False)
    cell("risen to the tolerance itself, 1 → 4 %", 0.01, 0.04, given.runs, tolerance=TOLERANCE, moved=False)
    for before in (0.02, 0.1):
        cell(f"moved between questions, {before:.0%}, tolerance 0", before, before, given.runs, tolerance=0.0, moved=True)
    for after in (0.05, 0.08, 0.1, 0.2, 0.4):
        cell(f"0 → {after:.0%}", 0.0, after, given.runs, tolerance=TOLERANCE, moved=True)


if __name__ == "__main__":
    main()
