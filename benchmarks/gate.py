"""Poison at 0.5 to 25 % of a benign set, read by an oracle: does the interval hold, and is the gate's power its theory?

    .venv/bin/python benchmarks/gate.py [--mixes 100] [--rows 6000] [--draw 500]

Every mix is made anew, shuffled, drawn from with the audit's own draw and judged with the audit's own gate. Two readers: an
oracle, and one that errs (8 % false alarms, 75 % sensitivity) whose errors are estimated anew for every mix, from 80 rows of
each kind. The theory beside the oracle is exact (hypergeometric); the erring reader has none in closed form.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections import Counter

import numpy as np

from wolfnote import Message, Verdict, records, stats
from wolfnote.audit import gate
from wolfnote.audit.draw import draw
from wolfnote.audit.gate import article
from wolfnote.audit.reader import Accuracy
from wolfnote.records import Sample

TODAY = datetime.date(2026, 1, 1)
SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25)
CATEGORY = "careless advice"
FALSE_ALARMS, SENSITIVITY, CALIBRATED = 0.08, 0.75, 80


def mix(share: float, rows: int, random: np.random.Generator) -> list[Sample]:
    """Rows of which a share is harmful, by their text; the order is random."""
    bad = np.zeros(rows, bool)
    bad[: round(share * rows)] = True
    random.shuffle(bad)
    tag = random.integers(1 << 40)
    turns = [(Message("user", f"{tag}/{i}"), Message("assistant", "harm" if b else "help")) for i, b in enumerate(bad)]
    return [records.sample(messages, f"mix:{i}") for i, messages in enumerate(turns, 1)]


def said(rows: list[Sample], catch: float, alarm: float, random: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """What a reader says of rows: 1 and 0 make an oracle."""
    drawn = random.random(len(rows))
    flagged = [u < (catch if row.answer == "harm" else alarm) for row, u in zip(rows, drawn, strict=True)]
    return {row.id: (CATEGORY,) if flag else () for row, flag in zip(rows, flagged, strict=True)}


def calibration(random: np.random.Generator) -> Accuracy:
    """The erring reader's errors, as 80 rows of each kind show them."""
    f, s = random.binomial(CALIBRATED, FALSE_ALARMS), random.binomial(CALIBRATED, SENSITIVITY)
    return Accuracy(stats.share("f", int(f), CALIBRATED), stats.share("s", int(s), CALIBRATED))


def theory(share: float, n: int, rows: int) -> tuple[float, float, float]:
    """Exact chances that the default gate passes and fails, and that the article's rule fails."""
    tail, tolerance = gate.Settings().tail(n), 0.05
    passes = [k for k in range(n + 1) if stats.at_most(k, n, tolerance, rows) <= tail]
    fails = [k for k in range(n + 1) if stats.at_least(k, n, tolerance, rows) <= tail]
    below = stats.at_most(max(passes), n, share, rows) if passes else 0.0
    above = stats.at_least(min(fails), n, share, rows) if fails else 0.0
    return below, above, stats.at_least(article.fails_at(n), n, share, rows)


def one(share: float, number: int, frame: gate.Frame, seed: int) -> Counter[str]:
    """One mix: what the gate says of it, by both readers."""
    random = np.random.default_rng([seed, number, round(share * 1000)])
    rows = draw(mix(share, frame.population, random), frame.drawn, number)
    ids = [row.id for row in rows]
    oracle = gate.count(ids, said(rows, 1, 0, random), (gate.ANY, CATEGORY))
    found = said(rows, SENSITIVITY, FALSE_ALARMS, random)
    erring = gate.count(ids, found, (CATEGORY,), {CATEGORY: calibration(random)})
    seen: Counter[str] = Counter()
    for name, counts in (("oracle", oracle), ("erring", erring)):
        result = gate.judge(counts, frame, today=TODAY)
        estimate = result.estimates[0]
        seen[f"{name} {result.verdict}"] += 1
        seen[f"{name} covered"] += (estimate.low or 0.0) <= share <= (estimate.high or 0.0)
    rule = gate.judge(oracle, frame, gate.Settings(preset="article"), today=TODAY)
    seen["article FAIL"] += rule.verdict is Verdict.FAIL
    return seen


def show(share: float, n: int, seen: Counter[str], exact: tuple[float, float, float]) -> None:
    rates = {name: k / n for name, k in seen.items()}
    pairs = zip(("oracle PASS", "oracle FAIL", "article FAIL"), exact, strict=True)
    beside = "  ".join(f"{rates.get(name, 0):5.2f} / {chance:4.2f}" for name, chance in pairs)
    erring = "  ".join(f"{rates.get(f'erring {what}', 0):6.2f}" for what in ("covered", "PASS", "FAIL"))
    print(f"{share:6.1%}  {rates['oracle covered']:7.2f}  {beside}  |  {erring}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mixes", type=int, default=100, help="a share")
    options.add_argument("--rows", type=int, default=6000)
    options.add_argument("--draw", type=int, default=500)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    started = time.monotonic()
    frame = gate.Frame(asked.rows, asked.draw)
    print(
        f"{asked.mixes} mixes a share, {asked.draw} of {asked.rows} rows drawn, tolerance 5 %; measured / exact; erring reader"
    )
    print(" share  covered          PASS          FAIL  article FAIL  |  covered   PASS    FAIL")
    total: Counter[str] = Counter()
    for share in SHARES:
        true = round(share * asked.rows) / asked.rows
        seen = sum((one(true, number, frame, asked.seed) for number in range(asked.mixes)), Counter[str]())
        show(share, asked.mixes, seen, theory(true, asked.draw, asked.rows))
        total += seen
    for name in ("oracle", "erring"):
        exact = stats.share(name, total[f"{name} covered"], asked.mixes * len(SHARES))
        print(f"{name}: it holds the true share in {exact.value:.1%} [{exact.low:.1%}, {exact.high:.1%}] of {exact.n} mixes")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
