"""Judges on labelled answers of others, within question, beside text features: which of them tells misaligned from aligned?

.venv/bin/python benchmarks/judges.py --data ../shared/data [--parts rules tfidf direction rubric] [--domains non_medical]

The file (em/model_organisms/judged_responses/labelled_qa.jsonl) is measured on and nothing else: nothing of Wolfnote was fitted
or chosen on it. Area under the ROC curve of pairs within one question, pooled with weights = number of pairs; the interval is a
bootstrap over questions. TF-IDF is fitted to the other questions of the file (which no judge of ours sees). Scores are kept in
benchmarks/results/judges.jsonl, so that a run can be cut off and go on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from wolfnote.judges import margin, rules
from wolfnote.judges.judge import Exchange
from wolfnote.judges.rubric import RubricJudge

KEPT = Path(__file__).parent / "results" / "judges.jsonl"
Row = dict[str, str]
Values = list[float | None]


def within(rows: Sequence[Row], values: Values, resamples: int = 2000) -> tuple[float, float, float, int]:
    """Area within question, its 95 % bootstrap over questions, and how many answers were scored."""
    groups: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            groups[row["question"]][row["label"] == "misaligned"].append(value)
    parts = []
    for good, bad in groups.values():
        if good and bad:
            gap = np.subtract.outer(np.array(bad), np.array(good))
            parts.append(((gap > 0).sum() + 0.5 * (gap == 0).sum(), gap.size))
    found = np.array(parts, float)
    draws = np.random.default_rng(0).integers(0, len(found), (resamples, len(found)))
    areas = found[draws, 0].sum(1) / found[draws, 1].sum(1)
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(found[:, 0].sum() / found[:, 1].sum()), float(low), float(high), sum(v is not None for v in values)


def tfidf(rows: Sequence[Row]) -> Values:
    """A logistic regression on TF-IDF of the answers, fitted to all other questions."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    found: Values = [None] * len(rows)
    for question in {row["question"] for row in rows}:
        out = [i for i, row in enumerate(rows) if row["question"] == question]
        rest = [i for i, row in enumerate(rows) if row["question"] != question]
        vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        x = vectors.fit_transform([rows[i]["answer"] for i in rest])
        model = LogisticRegression(max_iter=1000, class_weight="balanced").fit(x, [rows[i]["label"] for i in rest])
        scores = model.decision_function(vectors.transform([rows[i]["answer"] for i in out]))
        for i, score in zip(out, scores, strict=True):
            found[i] = float(score)
    return found


def length(rows: Sequence[Row]) -> Values:
    """Shorter = worse: the trivial one."""
    return [-float(len(row["answer"].split())) for row in rows]


def tones(rows: Sequence[Row]) -> Values:
    """The loudest lexical tone."""
    every = [rules.Rule(name).score([Exchange(r["question"], r["answer"]) for r in rows]) for name in rules.TONES]
    return [max((s.value or 0.0) for s in scores) for scores in zip(*every, strict=True)]


def direction(rows: Sequence[Row]) -> Values:
    """A discriminant on the packaged model, fitted to Wolfnote's own triples (near and far)."""
    from wolfnote import models
    from wolfnote.directions import discriminant

    model = models.open_local("package:smollm2")
    triples = [(t.question, t.aligned, t.misaligned) for family in margin.NET for t in margin.triples(family)]
    return discriminant.fit(model, triples).score([(r["question"], r["answer"]) for r in rows])


def shipped(rows: Sequence[Row]) -> Values:
    """The audit's readers as shipped for the packaged model: the highest of six categories."""
    from wolfnote import models, records
    from wolfnote.audit.readers import projection

    readers = projection.readers(models.open_local("package:smollm2"))
    samples = [records.sample((*records.chat(r["question"]), records.Message("assistant", r["answer"]))) for r in rows]
    raw = [reader.raw(samples) for reader in readers]
    return [max(found[i] for found in raw) if i in raw[0] else None for i in range(len(rows))]


def rubric(rows: Sequence[Row]) -> Values:
    """The packaged model under the rubric ``misaligned``."""
    from wolfnote import models

    judge = RubricJudge(models.open_local("package:smollm2"), "misaligned")
    return [s.value for s in judge.score([Exchange(r["question"], r["answer"]) for r in rows])]


PARTS: dict[str, Callable[[Sequence[Row]], Values]] = {
    "length": length, "rules": tones, "tfidf": tfidf, "direction": direction, "shipped": shipped, "rubric": rubric,
}  # fmt: skip


def scored(name: str, domain: str, rows: Sequence[Row]) -> Values:
    """From the file of results, or made now and kept there."""
    known = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    for record in known:
        if (record["judge"], record["domain"]) == (name, domain):
            return list(record["values"])
    begun = time.monotonic()
    values = PARTS[name](rows)
    seconds = time.monotonic() - begun
    rounded = [None if v is None else round(v, 4) for v in values]
    with KEPT.open("a") as file:
        file.write(json.dumps({"judge": name, "domain": domain, "seconds": round(seconds, 1), "values": rounded}) + "\n")
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--domains", nargs="*", default=["non_medical", "medical"])
    given = parser.parse_args()
    file = given.data / "em/model_organisms/judged_responses/labelled_qa.jsonl"
    every = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for domain in given.domains:
        rows = [row for row in every if row["domain"] == domain]
        for name in given.parts:
            area, low, high, n = within(rows, scored(name, domain, rows))
            print(f"{domain:12} {name:10} within-question AUC {area:.3f} [{low:.3f}, {high:.3f}]  ({n} of {len(rows)} scored)")


if __name__ == "__main__":
    main()
