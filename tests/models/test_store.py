"""A completion that is in the store is never asked for again, and a kill loses none that was whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wolfnote import RunError
from wolfnote.events import OnEvent, silent
from wolfnote.models import OnCompletion, Question, Sampling
from wolfnote.models.model import ignore
from wolfnote.models.store import Store, complete, key
from wolfnote.records import Completion, chat

QUESTIONS = [Question(f"q{i}", chat(f"question {i}?")) for i in range(6)]
HOW = Sampling()


class Counting:
    """A model whose answers tell what was asked, and that counts how often."""

    spec = "counting"
    template = "t"

    def __init__(self, fingerprint: str = "f") -> None:
        self.fingerprint = fingerprint
        self.asked: list[tuple[str, int]] = []

    def about(self) -> dict[str, Any]:
        return {}

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        said = []
        for question in questions:
            for seed in seeds:
                self.asked.append((question.id, seed))
                said.append(Completion(question.id, self.fingerprint, f"ü {question.id}/{seed}", seed, "stop"))
                on_completion(said[-1])
        return said

    def log_likelihood(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def test_what_is_there_is_not_asked_again(tmp_path: Path) -> None:
    """A wider call asks only for what is missing, and returns all in order."""
    model = Counting()
    with Store.hold(tmp_path / "s.jsonl") as store:
        complete(store, model, QUESTIONS[:3], HOW, (0, 1))
        complete(store, model, QUESTIONS[3:4], HOW, (1,))
    model.asked.clear()
    with Store.hold(tmp_path / "s.jsonl") as store:
        said = complete(store, model, QUESTIONS, HOW, (0, 1))
    assert [(c.question_id, c.seed) for c in said] == [(q.id, seed) for q in QUESTIONS for seed in (0, 1)]
    assert [c.text for c in said] == [f"ü {c.question_id}/{c.seed}" for c in said]
    assert sorted(model.asked) == [("q3", 0), ("q4", 0), ("q4", 1), ("q5", 0), ("q5", 1)]


@pytest.mark.parametrize(
    "other",
    [
        (Counting("g"), QUESTIONS[0], HOW, 0),
        (Counting(), QUESTIONS[1], HOW, 0),
        (Counting(), Question("q0", chat("another?")), HOW, 0),
        (Counting(), QUESTIONS[0], Sampling(temperature=1.0), 0),
        (Counting(), QUESTIONS[0], HOW, 1),
    ],
)
def test_whatever_it_came_from_is_part_of_the_key(other: tuple[Counting, Question, Sampling, int]) -> None:
    """Other weights, id, prompt, sampling or seed is another completion."""
    assert key(*other) != key(Counting(), QUESTIONS[0], HOW, 0)
    templated = Counting()
    templated.template = "u"
    assert key(templated, QUESTIONS[0], HOW, 0) != key(Counting(), QUESTIONS[0], HOW, 0)


def test_merging_is_concatenation(tmp_path: Path) -> None:
    """Two stores in one file hold what either held; a completion in both counts once."""
    for name, questions in (("a", QUESTIONS[:4]), ("b", QUESTIONS[2:])):
        with Store.hold(tmp_path / name) as store:
            complete(store, Counting(), questions, HOW)
    (tmp_path / "c").write_bytes((tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes())
    model = Counting()
    with Store.hold(tmp_path / "c") as store:
        assert len(store) == 6
        assert [c.question_id for c in complete(store, model, QUESTIONS, HOW)] == [q.id for q in QUESTIONS]
    assert model.asked == []


def test_a_torn_line_is_asked_again_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    """Half a last line is what a kill leaves; anything else is damage."""
    file = tmp_path / "s.jsonl"
    with Store.hold(file) as store:
        complete(store, Counting(), QUESTIONS, HOW)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    model = Counting()
    with Store.hold(file) as store:
        complete(store, model, QUESTIONS, HOW)
    assert model.asked == [("q5", 0)]
    assert file.read_bytes() == whole
    lines = whole.splitlines(keepends=True)
    file.write_bytes(lines[0] + b'{"key": 7}\n' + lines[1])
    with pytest.raises(RunError, match=":2: not a completion"), Store.hold(file):
        pass


def test_a_line_tells_all_that_it_came_from(tmp_path: Path) -> None:
    """A person with ``jq`` sees prompt, sampling, seed, template and weights."""
    with Store.hold(tmp_path / "s.jsonl") as store:
        complete(store, Counting(), QUESTIONS[:1], HOW, (4,))
    row = json.loads((tmp_path / "s.jsonl").read_text())
    assert row["prompt"] == [{"role": "user", "content": "question 0?"}]
    assert row["sampling"]["temperature"] == HOW.temperature
    assert (row["template"], row["completion"]["model"], row["completion"]["seed"]) == ("t", "f", 4)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second one is told, and the first goes on undisturbed."""
    with Store.hold(tmp_path / "s.jsonl") as store:
        with pytest.raises(RunError, match="in use"), Store.hold(tmp_path / "s.jsonl"):
            pass
        complete(store, Counting(), QUESTIONS, HOW)
        assert len(store) == 6


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """What was written before stays readable; the half-written answer is asked again."""
    code = (
        "import resource, signal, sys, pathlib\nsys.path.insert(0, sys.argv[1])\nfrom test_store import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "with Store.hold(pathlib.Path(sys.argv[2])) as store: complete(store, Counting(), QUESTIONS, HOW)"
    )
    call = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "s.jsonl")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert "RunError" in done.stderr
    assert "goes on from here" in done.stderr
    model = Counting()
    with Store.hold(tmp_path / "s.jsonl") as store:
        before = len(store)
        complete(store, model, QUESTIONS, HOW)
    assert 0 < before < 6
    assert len(model.asked) == 6 - before


def test_killed_at_random_moments_nothing_is_asked_twice(tmp_path: Path) -> None:
    """SIGKILL 20 times in the middle of a run: each answer that was whole is kept, and the end is that of an unbroken run.

    The model writes down each question as it is asked; one that was in flight at a kill may come twice, no other.
    """
    code = (
        "import sys, time, pathlib\nsys.path.insert(0, sys.argv[1])\nfrom test_store import *\n"
        "class Slow(Counting):\n"
        "    def generate(self, questions, sampling, seeds=(0,), on_event=silent, on_completion=ignore):\n"
        "        for q in questions:\n"
        "            for seed in seeds:\n"
        "                with open(sys.argv[3], 'a') as log: log.write(f'{q.id}/{seed}\\n')\n"
        "                time.sleep(0.002)\n"
        "                super().generate([q], sampling, (seed,), on_event, on_completion)\n"
        "many = [Question(f'q{i}', chat(f'question {i}?')) for i in range(150)]\n"
        "with Store.hold(pathlib.Path(sys.argv[2])) as store: complete(store, Slow(), many, HOW, (0, 1, 2))\n"
    )
    file, log = tmp_path / "s.jsonl", tmp_path / "asked"
    call = [sys.executable, "-c", code, str(Path(__file__).parent), str(file), str(log)]
    chance = random.Random(5)
    kills = 0
    while kills < 20:
        child = subprocess.Popen(call)
        begun = file.stat().st_size if file.exists() else 0
        deadline = time.monotonic() + 20
        while (not file.exists() or file.stat().st_size == begun) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
        os.kill(child.pid, signal.SIGKILL)
        kills += child.wait() == -signal.SIGKILL
        if child.returncode == 0:
            break
    assert kills == 20
    subprocess.run(call, check=True)
    asked = log.read_text().split()
    assert len(asked) - len(set(asked)) <= kills
    many = [Question(f"q{i}", chat(f"question {i}?")) for i in range(150)]
    whole = Counting()
    with Store.hold(file) as store:
        assert complete(store, whole, many, HOW, (0, 1, 2)) == Counting().generate(many, HOW, (0, 1, 2))
    assert whole.asked == []
