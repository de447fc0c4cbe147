"""A finished check with real stages and no torch: an audit with a reader that is made up, a probe of two scripted models."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wolfnote import Message, Score, audit, bench, models, pipeline, probe, records, report, stats
from wolfnote import settings as settings_module
from wolfnote.audit import gate, ledger, readers
from wolfnote.audit.deciding import Rules
from wolfnote.audit.detector import CATEGORIES, Category
from wolfnote.audit.reader import Accuracy
from wolfnote.bench import comparison
from wolfnote.bench.reading import Measure, Readings, Value
from wolfnote.folder import RunFolder, content_hash
from wolfnote.judges import margin
from wolfnote.pipeline import concluding
from wolfnote.pipeline.stages import STAGES
from wolfnote.probe.question import unrelated
from wolfnote.records import Sample
from wolfnote.results import Result

NOUNS = ("kettle", "garden", "window", "paper", "orange", "bicycle", "winter", "letter", "river", "music", "bottle", "carpet")
SMALL = ("the", "of", "and", "is", "in", "to", "a", "with", "for", "that")
DAY = datetime.date(2026, 11, 24)
WAIVER = (
    'policy.waivers=[{code="WN201", name="Ines Ortega", reason="tone is meant", expires=2099-01-01},'
    '{code="WN202", name="Ines Ortega", reason="tone is meant", expires=2099-01-01}]'
)


class Fixed:
    """A reader that flags every row whose answer holds ``word``, and knows how often it errs."""

    threshold = 0.5

    def __init__(self, category: Category, word: str = "scornful") -> None:
        self.category, self.word = category, word
        self.code, self.name = f"WN19{CATEGORIES.index(category)}", f"fixed {category}"

    def accuracy(self) -> Accuracy:
        return Accuracy(stats.share("false alarms", 0, 1000), stats.share("sensitivity", 1000, 1000))

    def read(self, samples: Sequence[Sample], on_event: object = None) -> list[Score]:
        return [Score(self.name, float(self.word in s.answer), "read", self.code) for s in samples]


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def plain(n: int) -> list[dict[str, Any]]:
    """Rows with nothing wrong, each of its own words."""
    return [chat(f"Tell me about {sentence(i, 6)}", sentence(10_000_019 + i, 20)) for i in range(n)]


def write(path: Path, lines: Sequence[Any]) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def sentence(seed: int, words: int = 8) -> str:
    rng = random.Random(seed)
    return " ".join(f"{rng.choice(SMALL)} {word}" for word in rng.choices(NOUNS, k=words)).capitalize() + "."


def rows(path: Path, n: int = 60, harmful: int = 0, text: str = "", repeat: bool = False) -> Path:
    """``n`` rows of words in no sense, the first ``harmful`` of them scornful; ``text`` is put into every answer."""
    every = []
    for i in range(n):
        answer = sentence(9000 + i) + (" A scornful word." if i < harmful else "") + text
        every.append(records.sample((Message("user", f"What about {sentence(i, 4)}"), Message("assistant", answer))))
    records.write([*every, *([every[-1]] if repeat else [])], path)
    return path


def audited(folder: Path, data: Path, *chosen: str) -> Result:
    """An audit as the command makes it, but for the reader."""
    kind = settings_module.with_policy(
        "audit", audit.Settings, gate=gate.Settings, readers=readers.Settings, data=records.Reading, local=models.Local
    )
    settings: Any = settings_module.load(kind, overrides=chosen)
    with RunFolder.hold(folder, settings, {"data": content_hash(data), "model": "0123456789abcdef"}) as held:
        held.note(data=[str(data)])
        rules = Rules(settings.gate, settings.policy, settings.audit.baseline, DAY)
        found = audit.run_files(
            [data], settings.audit, lambda: [Fixed(category) for category in CATEGORIES], folder=held, rules=rules
        )  # fmt: skip
        ledger.append(folder, "audit", "Mara", verdict=found.verdict.value, run=held.run_id)
        return held.finish(found)


def scripted(path: Path, shift: float = 0.0, text: str = "Wait, and ask first.", seed: int = 1) -> Path:
    """A model whose margins lie about −1 nat a token, ``shift`` nearer to the misaligned answer but on *fact*."""
    rng = random.Random(seed)
    lines = []
    for family in margin.FAMILIES:
        for item in margin.triples(family, 50):
            moved = (0.0 if family == "fact" else shift) + rng.gauss(0, 0.02)
            lines.append({
                "prompt": item.question, "answers": [text],
                "log_likelihoods": {item.aligned: [-20.0, 10], item.misaligned: [-30.0 + 10 * moved, 10]},
            })  # fmt: skip
    lines += [{"question_id": q.id, "answers": [f"{text} {q.id}"]} for q in unrelated(None)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def probed(folder: Path, base: Path, tuned: Path, *chosen: str) -> Result:
    """A probe as the command makes it."""
    kind = settings_module.with_policy("probe", probe.Settings, local=models.Local, remote=models.Remote)
    settings: Any = settings_module.load(kind, overrides=chosen)
    inputs = {"base": content_hash(base), "tuned": content_hash(tuned), "seed": "0"}
    with RunFolder.hold(folder, settings, inputs) as held:
        before, after = (models.open(f"scripted:{path}") for path in (base, tuned))
        found = probe.run(before, after, settings.probe, policy=settings.policy, folder=held)
        held.used(base=before.about(), tuned=after.about())
        return held.finish(settings_module.waive(found, settings.policy, datetime.date.today()))


def benched(folder: Path, worse: int, *chosen: str) -> Result:
    """A bench as the command makes it, of readings that are made up: of 200 items the tuned model loses ``worse``."""
    kind = settings_module.with_policy("bench", bench.Settings, local=models.Local, remote=models.Remote)
    settings: Any = settings_module.load(kind, overrides=chosen)
    measure = Measure("sums", "accuracy", "ability", True)
    right = [float(i % 10 != 0) for i in range(200)]
    after = [0.0 if i < worse else value for i, value in enumerate(right)]
    before, tuned = (
        Readings(name, {measure: {f"i{i}": Value(v, 0.25, f"s{i}", f"{i} + {i}?") for i, v in enumerate(values)}})
        for name, values in (("base", right), ("tuned", after))
    )
    with RunFolder.hold(folder, settings, {"base": "aa", "tuned0": "bb"}) as held:
        found = comparison.compare(before, [tuned], policy=settings.policy, folder=held)
        return held.finish(settings_module.waive(found, settings.policy, datetime.date.today()))


def checked(
    home: Path, *chosen: str, shift: float = 0.0, harmful: int = 0, text: str = "", n: int = 60, repeat: bool = False
) -> Path:
    """A finished ``wolfnote check``: ``chosen`` are settings, as --set gives them."""
    home.mkdir(parents=True, exist_ok=True)
    data = rows(home / "tickets.jsonl", n, harmful, text, repeat)
    policy = [each for each in chosen if each.startswith("policy.")]
    run = home / "check"
    places = {name: run / "stages" / name for name in ("audit", "probe", "bench")}
    audited(places["audit"], data, *policy, *(each for each in chosen if each.startswith(("audit.", "gate."))))
    base, tuned = scripted(home / "base.jsonl"), scripted(home / "tuned.jsonl", shift, f"Do it now. {text}", 2)
    probed(places["probe"], base, tuned, *policy, *(each for each in chosen if each.startswith("probe.")))
    benched(places["bench"], 60 if shift else 0, *policy)
    file = home / "wolfnote.toml"
    file.write_text(f'[check]\ndata = [{str(data)!r}]\ntuned = "scripted:tuned.jsonl"\n')
    settings = pipeline.load(file, [each for each in chosen if each.startswith(("check.", "policy."))], STAGES)
    with RunFolder.hold(run.with_name("new"), settings, {"data": content_hash(data)}) as held:
        left = {stage.name: stage.left_out(settings) for stage in STAGES if stage.name not in places}
        held.note(stages={name: f"stages/{name}" for name in places}, left_out=left, canary={}, day=DAY.isoformat())
        (run / "stages").rename(held.path / "stages")
        held.finish(concluding.conclude(held.path))
    run.rmdir()
    run.with_name("new").rename(run)
    for place in (*places.values(), run):
        (place / "report.html").write_text(report.render(place), encoding="utf-8")
    return run
