"""What one model is worth on a task: shares of probability, refusals by rule, and what cannot be measured."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from servers import ToyServer
from wolfnote import models
from wolfnote.bench import comparison, task
from wolfnote.bench.reading import Readings
from wolfnote.bench.scoring import Reader
from wolfnote.bench.settings import Settings
from wolfnote.bench.task import Item, Task
from wolfnote.folder import RunFolder
from wolfnote.models.scripted import ScriptedModel
from wolfnote.records import chat
from wolfnote.results import Verdict
from wolfnote.text.refusal import COMPLYING, REFUSING

CHOICE = Task("odd", "ability", "choice", (Item("1", chat("Which is odd?"), ("two", "three", "five"), (1, 2), "s"),))


class Nothing(msgspec.Struct, frozen=True):
    n: int = 0


def scripted(path: Path, *lines: dict[str, object]) -> ScriptedModel:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return ScriptedModel(f"scripted:{path}", path)


def read(model: models.Model, *tasks: Task, tokens: int = 8) -> Readings:
    return Reader(None, None, tokens).read(model, "m", tasks)


def value(found: Readings, title: str) -> float:
    return next(next(iter(items.values())).value for measure, items in found.values.items() if measure.title == title)


def test_p_correct_is_the_right_share_of_probability(tmp_path: Path) -> None:
    """p(three) + p(five) over all three; the likeliest answer decides accuracy; chance is two thirds."""
    totals = {"two": [math.log(0.5), 1], "three": [math.log(0.2), 1], "five": [math.log(0.1), 2]}
    found = read(scripted(tmp_path / "m.jsonl", {"answers": ["x"], "log_likelihoods": totals}), CHOICE)
    assert value(found, "odd: p(correct)") == pytest.approx(0.3 / 0.8)
    assert value(found, "odd: accuracy") == 0.0
    assert [m.declared for m in found.values] == [True, False]
    assert next(iter(next(iter(found.values.values())).values())).chance == pytest.approx(2 / 3)


def openings(refusing: float) -> dict[str, list[float]]:
    """Likelihoods of all openings, the refusing ones ``refusing`` of the whole."""
    no = {text: [math.log(refusing / len(REFUSING)), 3] for text in REFUSING}
    return no | {text: [math.log((1 - refusing) / len(COMPLYING)), 2] for text in COMPLYING}


@pytest.mark.parametrize(("suite", "likely", "said"), [("harm", 0.8, 1.0), ("over-refusal", 0.2, 0.0)])
def test_refusing_is_right_or_wrong(tmp_path: Path, suite: str, likely: float, said: float) -> None:
    """A model that refuses everything: right about harm, wrong about what only sounds like it; more is always better."""
    line = {"answers": ["I'm sorry, but I can't help with that."], "log_likelihoods": openings(0.8)}
    found = read(scripted(tmp_path / "m.jsonl", line), task.limited(task.built_in(suite), 3))
    word = "refusal" if suite == "harm" else "answering"
    assert value(found, f"{suite}: {word} likelihood") == pytest.approx(likely)
    assert value(found, f"{suite}: {word}") == said


def test_no_opening_begins_another() -> None:
    """Openings exclude each other, so their probabilities add up."""
    every = (*REFUSING, *COMPLYING)
    assert not [(a, b) for a in every for b in every if a is not b and b.startswith(a)]


def test_without_likelihoods_answers_still_count(tmp_path: Path) -> None:
    """A model that gives none: choices are refused with the reason, refusals go on by what it says."""
    model = scripted(tmp_path / "m.jsonl", {"answers": ["I cannot help with that."]})
    found = read(model, CHOICE, task.limited(task.built_in("harm"), 4))
    assert set(found.refused) == {"odd"}
    assert [m.title for m in found.values] == ["harm: refusal"]
    assert {s.what for s in found.skipped} == {"likelihoods of odd by m", "likelihoods of harm by m"}


def test_a_judge_that_cannot_tell_is_counted(tmp_path: Path) -> None:
    """None is neither a refusal nor an answer: left out and told."""
    model = scripted(tmp_path / "m.jsonl", {"answers": ["Hm."], "log_likelihoods": openings(0.5)})
    found = Reader(None, None, 8, judge=lambda text: None).read(model, "m", [task.limited(task.built_in("harm"), 4)])
    assert found.skipped[0].count == 4
    assert [m.title for m in found.values] == ["harm: refusal likelihood"]
    mute = scripted(tmp_path / "mute.jsonl", {"answers": ["Hm."]})
    assert (
        "harm"
        in Reader(None, None, 8, judge=lambda text: None).read(mute, "m", [task.limited(task.built_in("harm"), 4)]).refused
    )


def test_a_server_without_log_probabilities_goes_on(tmp_path: Path) -> None:
    """Through HTTP: ability is NOT RUN in one line, harm is compared by answers, and the whole is no PASS."""
    with ToyServer(logprobs=False) as server:
        model = models.open(server.spec)
        tasks = [task.limited(task.built_in("ability"), 3), task.limited(task.built_in("harm"), 3)]
        result = comparison.run(model, {"tuned": model}, tasks, Settings(tokens=4))
    assert result.verdict is Verdict.NOT_RUN
    reason = next(r for r in result.reasons if r.startswith("ability"))
    assert "gives no log-probabilities" in reason
    assert "\n" not in reason
    assert any(s.what.startswith("likelihoods of harm") for s in result.skipped)
    assert "harm: refusal" in [part.kind for part in result.parts[0].parts]


def test_a_finished_reading_is_not_read_again(tmp_path: Path) -> None:
    """In the same folder the base is asked once, for however many tuned models, and a second run asks nobody."""
    model = scripted(tmp_path / "m.jsonl", {"answers": ["Sure."], "log_likelihoods": openings(0.4)})
    harm = task.limited(task.built_in("harm"), 5)
    with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
        first = comparison.run(model, {"a": model, "b": model}, [harm], folder=folder)
        model.log_likelihood = None  # type: ignore[method-assign, assignment]  # must not be asked again
        model.generate = None  # type: ignore[method-assign, assignment]
        again = comparison.run(model, {"a": model, "b": model}, [harm], folder=folder)
    assert again == first
    assert [part.kind for part in first.parts] == ["a", "b"]


def test_tables_repeat_the_verdict(tmp_path: Path) -> None:
    """From the run folder's table alone come the same verdicts and numbers."""
    good = scripted(tmp_path / "g.jsonl", {"answers": ["I can't help with that."], "log_likelihoods": openings(0.9)})
    bad = scripted(tmp_path / "b.jsonl", {"answers": ["Sure, here."], "log_likelihoods": openings(0.1)})
    with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
        result = comparison.run(good, {"bad": bad}, [task.built_in("harm"), task.built_in("over-refusal")], folder=folder)
        lines = [json.loads(line) for line in (folder.path / result.tables["items"]).read_text().splitlines()]
    assert result.verdict is Verdict.FAIL
    assert {f.code for f in result.findings} == {"WN402"}
    again = comparison.recompute(lines, {"bad": {}}, comparison.Policy())
    assert (again.verdict, again.parts, again.findings) == (result.verdict, result.parts, result.findings)


class Weighed(ScriptedModel):
    """A scripted model that passes for a local one: it has a chat template, so its weights are known again."""

    @property
    def template(self) -> str:
        return "t"


def test_likelihoods_are_kept_across_runs_by_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run with the same weights asks nothing; other weights are asked; a damaged file is work done again."""
    monkeypatch.setenv("WOLFNOTE_CACHE", str(tmp_path / "cache"))
    files = [tmp_path / name for name in ("a.jsonl", "b.jsonl")]
    for file, refusing in zip(files, (0.8, 0.3), strict=True):
        file.write_text(json.dumps({"answers": ["Sure."], "log_likelihoods": openings(refusing)}) + "\n")
    harm = task.limited(task.built_in("harm"), 3)
    first, second = (Weighed(f"scripted:{file}", file) for file in files)
    before = read(first, harm, tokens=0)
    first.log_likelihood = None  # type: ignore[method-assign, assignment]  # must not be asked again
    assert read(first, harm, tokens=0) == before
    assert value(read(second, harm, tokens=0), "harm: refusal likelihood") == pytest.approx(0.3)
    for kept in (tmp_path / "cache" / "bench").glob("*.json"):
        kept.write_bytes(b"[[")
    assert read(Weighed(f"scripted:{files[0]}", files[0]), harm, tokens=0) == before


class Speaking(ScriptedModel):
    """A server that gives no likelihoods of a prompt, but the likeliest first tokens of what it would write."""

    def first_token(self, prompts: Sequence[models.Conversation]) -> list[dict[str, float]]:
        return [{"A": 0.5, " B": 0.3, "The": 0.1} for _ in prompts]


def test_letters_need_only_the_first_token(tmp_path: Path) -> None:
    """p(A) among A, B, C and D, where C and D are rarer than anything seen; whole answers stay unmeasured."""
    file = tmp_path / "m.jsonl"
    file.write_text('{"answers": ["A"]}\n')
    model = Speaking(f"scripted:{file}", file)
    letters = Task("letters", "ability", "choice", (Item("1", chat("Which?"), ("A", "B", "C", "D"), (0,), "s"),))
    found = read(model, letters, CHOICE)
    assert value(found, "letters: p(correct)") == pytest.approx(0.5 / (0.5 + 0.3 + 0.05 + 0.05))
    assert set(found.refused) == {"odd"}
