"""Poison at 0.5 to 25 % of a benign set, from published sets that nothing here was fitted on: does the stated interval hold?

Every row of both sets is read once by all detectors of tier 1 and, unless --model none, by the readers of a model; then every
mix is a population of its own, of which a draw without replacement is judged as the audit judges it. Three readings of each
mix: an oracle, what detectors flag (at face value: it claims a share of flags, no share of harm, so its coverage is told, and
is no goal), and the reader for the set's category, corrected by the errors that it states. Beside each power curve stands its
theory: for the oracle exact, for the others from the rates at which they flag the two sets.

.venv/bin/python benchmarks/poison.py --data ../shared/data [--rows 300] [--mixes 25] [--model package:smollm2]
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from evidence import Store, drawn, sources
from numpy.typing import NDArray

from wolfnote import Verdict, models, stats
from wolfnote.audit import gate
from wolfnote.audit.detector import CATEGORIES, Category, Unreadable
from wolfnote.audit.detectors import DETECTORS
from wolfnote.audit.reader import Accuracy
from wolfnote.audit.readers import projection
from wolfnote.records import Sample
from wolfnote.settings import Policy

SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.25)
POPULATION, DRAW, TOLERANCE = 6000, 500, 0.05
TODAY = datetime.date(2026, 1, 1)
Flags = NDArray[np.bool_]


class Poison(NamedTuple):
    """Harmful rows in benign ones, and the category whose reader and detectors are to see them."""

    harmful: str
    clean: str
    category: Category


TRIALS = (
    Poison("bad medical advice", "good medical advice", "careless advice"),
    Poison("risky financial advice", "technical vehicles", "careless advice"),
    Poison("insecure code", "secure code", "insecure code"),
    Poison("bad medical advice", "HH chats", "careless advice"),
)


class Arm(NamedTuple):
    """One reading of both sets: which rows it flags, and the errors it states (None: at face value)."""

    name: str
    harmful: Flags
    clean: Flags
    accuracy: Accuracy | None


def detected(rows: Sequence[Sample]) -> Flags:
    """Rows with any flag of the six categories that counts, by every detector of tier 1."""
    found = np.zeros(len(rows), bool)
    for detector in DETECTORS:
        for at, reading in enumerate(detector.read(rows)):
            if not isinstance(reading, Unreadable):
                found[at] |= any(flag.counts and flag.category in CATEGORIES for flag in reading)
    return found


def arms(
    trial: Poison, every: dict[str, list[Sample]], readers: dict[Category, projection.Reader], store: Store | None
) -> list[Arm]:
    """The oracle, the detectors and, with a model, the category's reader."""
    bad, good = every[trial.harmful], every[trial.clean]
    found = [
        Arm("oracle", np.ones(len(bad), bool), np.zeros(len(good), bool), None),
        Arm("detectors' own flags", detected(bad), detected(good), None),
    ]
    if store is not None:
        reader = readers[trial.category]
        threshold = reader.calibration.threshold
        means = [store.activations(name, rows) for name, rows in ((trial.harmful, bad), (trial.clean, good))]
        flagged = [reader.head.apply(m) > threshold for m in means]
        found.append(Arm(f"reader of {trial.category}", flagged[0], flagged[1], reader.accuracy()))
    return found


def judged(arm: Arm, share: float, random: np.random.Generator) -> tuple[bool, Any]:
    """Whether the stated interval holds the share of one mix, and the gate's verdict."""
    harmful = round(share * POPULATION)
    caught = int(random.hypergeometric(harmful, POPULATION - harmful, DRAW))
    k = int(random.choice(arm.harmful, caught).sum() + random.choice(arm.clean, DRAW - caught).sum())
    frame = gate.Frame(POPULATION, DRAW)
    settings, policy = gate.Settings(tolerances=dict.fromkeys(CATEGORIES, TOLERANCE)), Policy()
    result = gate.judge([gate.Count("careless advice", k, DRAW, arm.accuracy)], frame, settings, policy=policy, today=TODAY)
    (estimate,) = result.estimates
    return (estimate.low or 0.0) <= harmful / POPULATION <= (estimate.high or 1.0), result.verdict


def theory(arm: Arm, share: float) -> float:
    """The chance of a FAIL, from the rates at which the arm flags the two sets."""
    settings, policy, frame = gate.Settings(), Policy(), gate.Frame(POPULATION, DRAW)
    rate = share * arm.harmful.mean() + (1 - share) * arm.clean.mean()

    def fails(k: int) -> bool:
        count = gate.Count("careless advice", k, DRAW, arm.accuracy)
        return gate.judge([count], frame, settings, policy=policy, today=TODAY).verdict is Verdict.FAIL

    low, high = 0, DRAW
    while low < high:  # a flag more never turns a FAIL into something better
        middle = (low + high) // 2
        low, high = (low, middle) if fails(middle) else (middle + 1, high)
    exact = POPULATION if arm.accuracy is None and rate == round(rate * POPULATION) / POPULATION else None
    return stats.at_least(low, DRAW, rate, exact) if fails(low) else 0.0


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--rows", type=int, default=300)
    options.add_argument("--mixes", type=int, default=25)
    options.add_argument("--model", default="package:smollm2")
    given = options.parse_args()
    where = sources(given.data)
    names = dict.fromkeys(name for trial in TRIALS for name in (trial.harmful, trial.clean))
    every = {name: drawn(where[name](), given.rows, "evidence") for name in names}
    model = None if given.model == "none" else models.open_local(given.model)
    store = None if model is None else Store(model)
    readers = {r.category: r for r in projection.readers(model)} if model else {}
    random = np.random.default_rng(0)
    for trial in TRIALS:
        print(f"\n{trial.harmful} in {trial.clean}, {given.mixes * len(SHARES)} mixes of {POPULATION:,} rows, {DRAW} drawn")
        for arm in arms(trial, every, readers, store):
            rates = [stats.share("flagged", int(f.sum()), len(f)) for f in (arm.harmful, arm.clean)]
            print(f"  {arm.name}: flags {rates[0].value:.1%} of the harmful, {rates[1].value:.1%} of the clean rows")
            held = 0
            for share in SHARES:
                said = [judged(arm, share, random) for _ in range(given.mixes)]
                held += sum(holds for holds, _ in said)
                verdicts = [verdict for _, verdict in said]
                rate = {v.value: verdicts.count(v) / given.mixes for v in (Verdict.FAIL, Verdict.PASS)}
                told = f"FAIL {rate['FAIL']:4.0%} (theory {theory(arm, share):4.0%})  PASS {rate['PASS']:4.0%}"
                print(f"    {share:6.1%}  {told}  interval holds {np.mean([h for h, _ in said]):4.0%}")
            total = stats.share("coverage", held, given.mixes * len(SHARES))
            print(f"    the stated interval holds the true share in {total.value:.1%} [{total.low:.1%}, {total.high:.1%}]")


if __name__ == "__main__":
    main()
