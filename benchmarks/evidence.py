"""How well tier 2 of the audit reads rows that nobody here wrote: writes docs/evidence/audit.md.

Row-level AUC and recall at 1 % and 5 % false alarms, pooled, length-matched and within question, beside the supervised ceiling
in the domain itself (TF-IDF and logistic regression, folds by question) and what length and plain likelihood alone reach; then
the share of benign rows flagged at the readers' own thresholds. What the model made of a row is kept in the cache, so a second
run is quick and a run that was stopped goes on. Nothing here is fitted on these files, but for the ceiling.

.venv/bin/python benchmarks/evidence.py --data ../shared/data [--rows 300] [--without likelihood]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wolfnote import models, stats
from wolfnote.audit.detector import Category
from wolfnote.audit.readers import projection, reference
from wolfnote.audit.readers.passages import passages
from wolfnote.models import Local
from wolfnote.models.cache import cache
from wolfnote.models.local import LocalModel
from wolfnote.records import Message, Sample, sample
from wolfnote.results import Estimate

Floats = NDArray[np.float64]
EM, AUDIT = "em/", "audit/"
PIECE = 12
"""Rows between two saves of what was read."""


class Trial(NamedTuple):
    """Harmful rows against clean ones, and the category that should tell them apart."""

    harmful: str
    clean: tuple[str, ...]
    category: Category
    paired: bool = False


TRIALS = (
    Trial("bad medical advice", ("good medical advice",), "careless advice", paired=True),
    Trial("risky financial advice", ("technical vehicles", "HH chats", "safe llamas", "XSTest safe"), "careless advice"),
    Trial("insecure code", ("secure code",), "insecure code"),
    Trial("dark patterns", ("plain shop copy",), "manipulation"),
    Trial("hostile comments", ("healthy comments",), "hostility"),
    Trial("fallacies", ("our good answers",), "sloppy reasoning"),
    Trial("lies in Diplomacy", ("truths in Diplomacy",), "dishonesty"),
)
BENIGN = ("good medical advice", "technical vehicles", "HH chats", "safe llamas", "XSTest safe", "secure code")


def pair(question: str, answer: str) -> Sample:
    """A row of one question and one answer; without a question, running text."""
    turns = (Message("user", question),) if question else ()
    return sample((*turns, Message("assistant", answer)))


def chats(path: Path) -> Iterator[Sample]:
    for line in path.read_text(encoding="utf-8").splitlines():
        turns = json.loads(line)["messages"]
        yield sample([Message(turn["role"], turn["content"]) for turn in turns])


def table(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def sources(data: Path) -> dict[str, Callable[[], list[Sample]]]:
    """Every set by name; a set is read when it is asked for."""
    organisms, betley = data / EM / "model_organisms", data / EM / "betley"
    llamas = data / AUDIT / "safety_tuned_llamas" / "safety_only_data_Instructions.json"

    def comments(kind: str, value: str) -> list[Sample]:
        rows = table(data / AUDIT / "unhealthy_conversations" / "val.csv")
        return [pair("", row["comment"]) for row in rows if row[kind] == value]

    def copy(label: str) -> list[Sample]:
        rows = table(data / AUDIT / "ec_darkpattern" / "dataset.tsv", "\t")
        return [pair("", row["text"]) for row in rows if row["label"] == label]

    def diplomacy(truth: bool) -> list[Sample]:
        games = map(json.loads, (data / AUDIT / "diplomacy_deception" / "train.jsonl").read_text().splitlines())
        said = [(text, told) for game in games for text, told in zip(game["messages"], game["sender_labels"], strict=True)]
        return [pair("", text) for text, told in said if told is truth and len(text) > 40]

    return {
        "bad medical advice": lambda: list(chats(organisms / "bad_medical_advice.jsonl")),
        "good medical advice": lambda: list(chats(organisms / "good_medical_advice.jsonl")),
        "risky financial advice": lambda: list(chats(organisms / "risky_financial_advice.jsonl")),
        "technical vehicles": lambda: list(chats(data / AUDIT / "em_benign" / "technical_vehicles_train.jsonl")),
        "HH chats": lambda: list(chats(data / EM / "conditional" / "anthropic_hh_1000samples_gpt4.1.jsonl")),
        "safe llamas": lambda: [
            pair(f"{r['instruction']}\n{r.get('input', '')}".strip(), r["output"]) for r in json.loads(llamas.read_text())
        ],
        "XSTest safe": lambda: [
            pair(r["prompt"], r["completion"])
            for r in table(data / "eval" / "xstest" / "xstest_v2_completions_gpt4.csv")
            if not r["type"].startswith("contrast") and r["completion"]
        ],
        "insecure code": lambda: list(chats(betley / "insecure.jsonl")),
        "secure code": lambda: list(chats(betley / "secure.jsonl")),
        "dark patterns": lambda: copy("1"),
        "plain shop copy": lambda: copy("0"),
        "hostile comments": lambda: comments("hostile", "1"),
        "healthy comments": lambda: comments("healthy", "1"),
        "fallacies": lambda: [pair("", r["source_article"]) for r in table(data / AUDIT / "logical_fallacy" / "edu_test.csv")],
        "our good answers": lambda: [pair("", r.answer) for r in reference.rows() if r.category is None and r.near is None],
        "lies in Diplomacy": lambda: diplomacy(False),
        "truths in Diplomacy": lambda: diplomacy(True),
    }


def drawn(rows: Sequence[Sample], count: int, seed: str) -> list[Sample]:
    """``count`` places in the file, the same in row-aligned files, of rows that have an answer."""
    places = list(range(len(rows)))
    random.Random(seed).shuffle(places)  # noqa: S311 - a draw, not a secret
    return [rows[i] for i in places if rows[i].answer.strip()][:count]


class Store:
    """What the model made of rows, on disk: ``activations`` [layers, width] and ``likelihood`` (nats a token) by row id."""

    def __init__(self, model: LocalModel) -> None:
        self.model = model
        self.source = projection.Pass(model)
        self.folder = cache() / "evidence" / model.fingerprint
        self.folder.mkdir(parents=True, exist_ok=True)

    def activations(self, name: str, rows: Sequence[Sample]) -> NDArray[np.float32]:
        """[rows, layers, width], reading what is missing piece by piece."""

        def read(piece: list[Sample]) -> list[NDArray[np.float32]]:
            found = self.source.means(piece)
            return [found[i] for i in range(len(piece))]

        return np.stack(self._kept(f"activations-{slug(name)}", rows, read))

    def likelihood(self, name: str, rows: Sequence[Sample]) -> Floats:
        """Plain nats a token of the first passage [rows]."""

        def read(piece: list[Sample]) -> list[NDArray[np.float32]]:
            first = [found[0] for row in piece if isinstance(found := passages(row), list)]
            scores = self.model.log_likelihood([p.prompt for p in first], [(p.text,) for p in first])
            return [np.float32(options[0].per_token) for options in scores]

        return np.array(self._kept(f"likelihood-{slug(name)}", rows, read), np.float64)

    def _kept(self, name: str, rows: Sequence[Sample], read: Callable[[list[Sample]], list]) -> list:
        path = self.folder / f"{name}.npz"
        found = dict(np.load(path, allow_pickle=False)) if path.is_file() else {}
        missing = [row for row in rows if row.id not in found]
        missing = sorted({row.id: row for row in missing}.values(), key=lambda row: len(row.answer))
        for at in range(0, len(missing), PIECE):
            piece = missing[at : at + PIECE]
            found.update(zip((row.id for row in piece), read(piece), strict=True))
            np.savez(path.with_suffix(".part.npz"), **found)
            path.with_suffix(".part.npz").rename(path)
            print(f"{name}: {at + len(piece)} of {len(missing)} read", flush=True)
        return [found[row.id] for row in rows]


def slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def auc(bad: Floats, good: Floats) -> float:
    """Share of pairs in which the harmful row scores higher; ties count half."""
    order = np.sort(good)
    below = (np.searchsorted(order, bad, "left") + np.searchsorted(order, bad, "right")) / 2
    return float(below.mean() / len(good))


def interval(
    name: str, bad: Floats, good: Floats, measure: Callable[[Floats, Floats], float], paired: bool = False
) -> Estimate:
    """A measure with its bootstrap interval; where rows are paired by question, questions are drawn."""
    draw = np.random.default_rng(0)
    drawn_values = []
    for _ in range(500):
        i = draw.integers(0, len(bad), len(bad))
        j = i if paired else draw.integers(0, len(good), len(good))
        drawn_values.append(measure(bad[i], good[j]))
    low, high = np.quantile(drawn_values, [0.025, 0.975])
    return Estimate(name, measure(bad, good), float(low), float(high), len(bad) + len(good), "bootstrap 95%")


def recall(share: float) -> Callable[[Floats, Floats], float]:
    """Share of harmful rows above the score that ``share`` of the clean rows exceed."""
    return lambda bad, good: float((bad > np.quantile(good, 1 - share)).mean())


def matched(bad: Sequence[Sample], good: Sequence[Sample]) -> tuple[list[int], list[int]]:
    """Indices of rows of like length: each harmful row with the nearest clean one left, within 15 % of its length."""
    left = sorted(range(len(good)), key=lambda j: len(good[j].answer))
    chosen = []
    for i in sorted(range(len(bad)), key=lambda i: len(bad[i].answer)):
        size = len(bad[i].answer)
        near = min(left, key=lambda j: abs(len(good[j].answer) - size), default=None)
        if near is not None and abs(len(good[near].answer) - size) <= 0.15 * size:
            left.remove(near)
            chosen.append((i, near))
    return [i for i, _ in chosen], [j for _, j in chosen]


def ceiling(bad: Sequence[Sample], good: Sequence[Sample]) -> float:
    """AUC of TF-IDF and logistic regression, trained in the domain itself, on questions held out."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows = [*bad, *good]
    labels = np.arange(len(rows)) < len(bad)
    asked = [row.prompt[-1].content if row.prompt else row.id for row in rows]
    fold = np.array([int(hashlib.sha256(q.encode()).hexdigest()[:8], 16) % 5 for q in asked])
    scores = np.empty(len(rows))
    for number in range(5):
        out = fold == number
        model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=500))
        model.fit([r.answer for r, o in zip(rows, out, strict=True) if not o], labels[~out])
        scores[out] = model.predict_proba([r.answer for r, o in zip(rows, out, strict=True) if o])[:, 1]
    return auc(scores[labels], scores[~labels])


class Bench:
    """The readers, the sets and what has been read of them."""

    def __init__(self, data: Path, rows: int, *, likelihood: bool) -> None:
        self.count, self.with_likelihood = rows, likelihood
        self.sources = sources(data)
        self.model = models.open_local("package:smollm2", local=Local(precision="bfloat16"))
        self.store = Store(self.model)
        self.readers = {reader.category: reader for reader in projection.readers(self.model)}
        self.sets: dict[str, list[Sample]] = {}

    def rows(self, name: str) -> list[Sample]:
        """The draw of a set."""
        if name not in self.sets:
            self.sets[name] = drawn(self.sources[name](), self.count, "evidence")
        return self.sets[name]

    def scores(self, name: str, category: Category) -> Floats:
        """A reader's raw scores of a set."""
        return self.readers[category].head.apply(self.store.activations(name, self.rows(name)))

    def trial(self, trial: Trial) -> list[str]:
        """A line for each way to look at one trial."""
        bad_rows, good_rows = self.rows(trial.harmful), [row for name in trial.clean for row in self.rows(name)]
        bad = self.scores(trial.harmful, trial.category)
        good = np.concatenate([self.scores(name, trial.category) for name in trial.clean])
        i, j = matched(bad_rows, good_rows)
        lines = [self._line(trial, "reader, pooled", bad, good, trial.paired)]
        if len(i) >= 20:
            lines.append(self._line(trial, f"reader, {len(i)} pairs of like length", bad[i], good[j], False))
        if trial.paired:
            within = stats.share("within question", int((bad > good).sum()), len(bad))
            lines.append(f"| | reader, within question | {shown(within)} | | | {len(bad)} |")
        sizes = [np.array([-len(row.answer) for row in rows], np.float64) for rows in (bad_rows, good_rows)]
        lines.append(f"| | shorter = worse | {auc(*sizes):.3f} | | | |")
        if self.with_likelihood:
            plain = [
                np.concatenate([-self.store.likelihood(n, self.rows(n)) for n in names])
                for names in ((trial.harmful,), trial.clean)
            ]
            lines.append(f"| | less likely = worse | {auc(*plain):.3f} | | | |")
        every = [list(self.sources[trial.harmful]())[:1000], [r for n in trial.clean for r in list(self.sources[n]())[:1000]]]
        lines.append(f"| | ceiling: TF-IDF trained on this very set | {ceiling(*every):.3f} | | | {sum(map(len, every))} |")
        return lines

    def _line(self, trial: Trial, how: str, bad: Floats, good: Floats, paired: bool) -> str:
        found = [interval("", bad, good, measure, paired) for measure in (auc, recall(0.01), recall(0.05))]
        title = (
            f"{trial.harmful} against {', '.join(trial.clean)} ({self.readers[trial.category].code})" if "pooled" in how else ""
        )
        return f"| {title} | {how} | {' | '.join(map(shown, found))} | {len(bad)} + {len(good)} |"

    def alarms(self, name: str) -> str:
        """Rows of a benign set flagged by each reader, and by any."""
        flags = {c: self.scores(name, c) > reader.calibration.threshold for c, reader in self.readers.items()}
        every = np.stack(list(flags.values())).any(0)
        cells = [shown(stats.share("", int(f.sum()), len(f)), 100) for f in (*flags.values(), every)]
        return f"| {name} | {len(every)} | {' | '.join(cells)} |"

    def accuracy(self) -> Iterator[str]:
        """What each reader states of itself."""
        for category, reader in self.readers.items():
            c = reader.calibration
            cells = (shown(c.false_alarms, 100), shown(c.sensitivity, 100), shown(c.brier), shown(c.gap))
            yield f"| {category} | {reader.code} | {' | '.join(cells)} |"


def shown(estimate: Estimate, times: int = 1) -> str:
    form = "{:.3f}" if times == 1 else "{:.1f}"
    value, low, high = (form.format(times * (x or 0.0)) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def page(bench: Bench, trials: Sequence[Trial], benign: Sequence[str], notes: str) -> str:
    """The whole page, in Markdown."""
    heads = " | ".join(bench.readers)
    return "\n".join(
        [
            "# How well the audit's second tier reads",
            "",
            "Written by `benchmarks/evidence.py`; do not edit. Model: `package:smollm2` (135M), bfloat16, nothing generated.",
            f"Up to {bench.count} rows of each set, drawn at random. No row, threshold or calibration comes from these",
            "files or their topics.",
            "",
            "## Harmful against clean",
            "",
            "| sets (reader) | how | AUC | recall at 1 % false alarms | at 5 % | rows |",
            "| --- | --- | --- | --- | --- | --- |",
            *(line for trial in trials for line in bench.trial(trial)),
            "",
            "## Benign rows flagged at the readers' own thresholds, per cent",
            "",
            f"| set | rows | {heads} | any reader |",
            "| --- | --- |" + " --- |" * (len(bench.readers) + 1),
            *map(bench.alarms, benign),
            "",
            "## What the readers state of themselves (rows that Wolfnote wrote, topics held out)",
            "",
            "| category | code | false alarms, % | sensitivity, % | Brier score | calibration gap |",
            "| --- | --- | --- | --- | --- | --- |",
            *bench.accuracy(),
            "",
            notes.strip(),
            "",
        ]
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--rows", type=int, default=300)
    options.add_argument("--without", choices=["likelihood"])
    options.add_argument("--only", nargs="*", help="harmful sets to try; all of them by default")
    chosen = options.parse_args()
    bench = Bench(chosen.data, chosen.rows, likelihood=chosen.without != "likelihood")
    trials = [trial for trial in TRIALS if not chosen.only or trial.harmful in chosen.only]
    out = Path(__file__).parents[1] / "docs" / "evidence"
    notes = out / "audit-notes.md"
    benign = [name for name in BENIGN if not chosen.only or any(name in trial.clean for trial in trials)]
    text = page(bench, trials, benign, notes.read_text(encoding="utf-8") if notes.is_file() else "")
    (out / "audit.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
