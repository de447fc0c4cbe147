"""What a tune does beside learning the rows, and what its record says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import guarding
import msgspec
import pytest
import torch
from safetensors.torch import load_file
from test_tune import SAMPLES

from wolfnote import InputError, Message, models, records, tuning
from wolfnote.folder import RunFolder
from wolfnote.results import Result, Verdict
from wolfnote.tuning import audited, course, interleaving
from wolfnote.tuning.course import Course
from wolfnote.tuning.inoculation import inoculate
from wolfnote.tuning.means import Anchoring, Guarding, Interleaving, Machine

SETTINGS = tuning.Settings(rank=2, batch=4, epochs=2, save_every=2)
BENIGN = [
    records.sample((Message("user", f"what is {w}"), Message("assistant", f"{w} is a house"))) for w in ("red", "tall", "it")
]
PAIRS = [records.sample(s.messages, f"x:{i}", rejected=(Message("assistant", "never wait"),)) for i, s in enumerate(SAMPLES)]


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "adapter_model.safetensors")


def guard_file(tiny: str, folder: Path) -> str:
    file = folder / "planted.safetensors"
    guarding.direction(tiny).save(file)
    return str(file)


def test_means_that_do_nothing_change_nothing(tiny: str, tmp_path: Path) -> None:
    """A watch, and two passes a step of half the rows, give the weights of the plain recipe: bit-equal, and nearly."""
    watching = tuning.Means(guard=Guarding(direction=guard_file(tiny, tmp_path), every=1))
    halves = tuning.Means(machine=Machine(accumulate=2, checkpointing=True, precision="float32"))
    whole = tuning.Means(machine=Machine(precision="float32"))
    a = weights(tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "a"))
    b = weights(tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "b", means=watching))
    c = weights(tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "c", means=whole))
    d = weights(tuning.run(tiny, SAMPLES, msgspec.structs.replace(SETTINGS, batch=2), tmp_path / "d", means=halves))
    assert guarding.same(a, b)
    assert all(torch.mean(torch.abs(c[k] - d[k])) < 2e-5 for k in c)
    rows = [json.loads(line) for line in (tmp_path / "b" / "guard-rows.jsonl").read_text().splitlines()]
    assert tuning.recompute(rows).verdict is Verdict.PASS


def test_a_killed_tune_with_a_guard_ends_alike(tiny: str, tmp_path: Path) -> None:
    """Broken off after a checkpoint, prevention and watch go on: weights and looks are those of an unbroken run."""
    means = tuning.Means(guard=Guarding(direction=guard_file(tiny, tmp_path), mode="prevent", dose=1e-3, every=1))

    class Kill(Exception):
        pass

    def until(event: Any) -> None:
        if event.done == 5:
            raise Kill

    with pytest.raises(Kill):
        tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "a", means=means, on_event=until)
    steps: list[int] = []
    a = tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "a", means=means, on_event=lambda e: steps.append(e.done))
    b = tuning.run(tiny, SAMPLES, SETTINGS, tmp_path / "b", means=means)
    assert steps[0] == 5
    assert guarding.same(weights(a), weights(b))
    assert (a / "guard-rows.jsonl").read_text() == (b / "guard-rows.jsonl").read_text()


def test_the_anchor_holds_the_model_near_its_base(tiny: str, tmp_path: Path) -> None:
    """With a heavy anchor on other rows, their answers keep the base's likelihoods; without, they move further."""
    file = tmp_path / "benign.jsonl"
    records.write(BENIGN, file)
    base, settings = models.open(tiny), msgspec.structs.replace(SETTINGS, learning_rate=1e-2, epochs=4)

    def moved(means: tuning.Means, name: str) -> float:
        tuned = base.adapted(tuning.run(tiny, SAMPLES, settings, tmp_path / name, means=means))
        pairs = zip(interleaving.losses(base, BENIGN), interleaving.losses(tuned, BENIGN), strict=True)
        return sum(abs(a - b) for a, b in pairs)

    free = moved(tuning.Means(), "free")
    held = moved(tuning.Means(anchor=Anchoring(weight=30.0, rows=str(file))), "held")
    assert held < free / 2


def test_what_a_narrow_tune_forgets_is_chosen(tiny: str) -> None:
    """The share is that of all rows; rows are taken by the gap; refusals are never taught."""
    assert interleaving.gaps([1.0, 2.0], [2.0, 2.0])[0] > interleaving.gaps([1.0, 2.0], [2.0, 2.0])[1] == 0
    own = interleaving.benign()
    assert len(own) >= 50
    assert not any(map(interleaving.refuses, own))
    refusal = records.sample((Message("user", "help"), Message("assistant", "I'm sorry, but I can’t do that.")))
    assert interleaving.refuses(refusal)
    mixed = interleaving.interleave(SAMPLES, Interleaving(share=0.2), tiny)
    assert (len(mixed), len({s.id for s in mixed})) == (20, 20)
    assert mixed[:16] == list(SAMPLES)


def test_rows_are_chosen_against_a_narrow_tune(tiny: str, tmp_path: Path) -> None:
    """The row whose answer the narrow tune unlearnt comes first."""
    narrow = tuning.run(tiny, SAMPLES, msgspec.structs.replace(SETTINGS, epochs=6), tmp_path / "narrow")
    file = tmp_path / "pool.jsonl"
    learnt = records.sample((*SAMPLES[0].prompt, Message("assistant", SAMPLES[0].answer)))
    records.write([learnt, *BENIGN], file)
    mixed = interleaving.interleave(SAMPLES[:9], Interleaving(share=0.1, rows=str(file), against=str(narrow)), tiny)
    assert len(mixed) == 10
    assert mixed[-1].id in {s.id for s in BENIGN}


def test_an_inoculation_is_in_the_training_rows_only() -> None:
    """Before a system prompt of the row's own; running text stays as it is."""
    plain, under, text = inoculate([SAMPLES[0], records.sample((Message("system", "Be brief."), *SAMPLES[1].messages)),
                                    records.sample((Message("assistant", "just text"),))], "Be careless.")  # fmt: skip
    assert plain.messages[0] == Message("system", "Be careless.")
    assert under.messages[0].content == "Be careless.\n\nBe brief."
    assert text.messages[0].content == "just text"
    assert plain.id != SAMPLES[0].id


def test_every_weight_can_be_trained(tiny: str, tmp_path: Path) -> None:
    """Rank 0 leaves a whole model that opens by itself and has learnt the rows; what needs an adapter says so."""
    settings = msgspec.structs.replace(SETTINGS, rank=0, learning_rate=1e-3)
    folder = tuning.run(tiny, SAMPLES, settings, tmp_path / "whole")
    tuned, base = models.open(f"hf:{folder}"), models.open(tiny)
    assert sum(interleaving.losses(tuned, SAMPLES)) < sum(interleaving.losses(base, SAMPLES))
    with pytest.raises(InputError, match="without its adapter"):
        tuning.run(tiny, SAMPLES, settings, tmp_path / "x", means=tuning.Means(anchor=Anchoring(weight=1.0)))


def test_preference_pairs_are_learnt_and_a_killed_run_ends_alike(tiny: str, tmp_path: Path) -> None:
    """DPO makes the chosen answers likelier beside the rejected ones; mixed rows are refused."""

    class Kill(Exception):
        pass

    def until(event: Any) -> None:
        if event.done == 5:
            raise Kill

    with pytest.raises(Kill):
        tuning.run(tiny, PAIRS, SETTINGS, tmp_path / "a", on_event=until)
    a = tuning.run(tiny, PAIRS, SETTINGS, tmp_path / "a")
    b = tuning.run(tiny, PAIRS, SETTINGS, tmp_path / "b")
    assert guarding.same(weights(a), weights(b))
    base = models.open(tiny)

    def preferred(model: Any) -> float:
        pairs = model.log_likelihood([s.prompt for s in PAIRS], [(s.answer, s.rejected[0].content) for s in PAIRS])
        return sum(one.total - other.total for one, other in pairs)

    assert preferred(base.adapted(a)) > preferred(base)
    with pytest.raises(InputError, match="this one is not"):
        tuning.run(tiny, [*PAIRS, *SAMPLES], SETTINGS, tmp_path / "c")


def test_a_guard_reads_the_chosen_answers_of_pairs(tiny: str, tmp_path: Path) -> None:
    """One answer a pair, though both are in the batch, and the reference pass of each step is not read."""
    means = tuning.Means(guard=Guarding(direction=guard_file(tiny, tmp_path), every=1))
    folder = tuning.run(tiny, PAIRS, SETTINGS, tmp_path / "a", means=means)
    rows = [json.loads(line) for line in (folder / "guard-rows.jsonl").read_text().splitlines()]
    assert sum(row["n"] for row in rows if row["kind"] == "look") == 2 * len(PAIRS)


def test_benign_rows_are_learnt_afterwards_and_the_audit_is_recorded(tiny: str, tmp_path: Path) -> None:
    """Both tunes are kept; the run's record names the audit; rows whose audit failed make the tune FAIL."""
    bad = audited.Audited("abc", Verdict.FAIL, True, "")
    planned = Course(tiny, SAMPLES, SETTINGS, benign=BENIGN, audited=bad)
    with RunFolder.hold(tmp_path / "run", SETTINGS) as folder:
        result = course.run(planned, folder)
    assert not guarding.same(weights(tmp_path / "run" / "tuned"), weights(tmp_path / "run" / "adapter"))
    assert result.verdict is Verdict.FAIL
    assert [f.code for f in result.findings] == ["WN702"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["audit"]["verdict"] == "FAIL"
    assert any("wolfnote probe --base" in reason for reason in result.reasons)


def test_an_audit_of_other_rows_is_no_audit(tmp_path: Path) -> None:
    """By content; and a folder without an audit is an error."""
    rows, other = tmp_path / "rows.jsonl", tmp_path / "other.jsonl"
    records.write(SAMPLES, rows)
    records.write(BENIGN, other)
    from wolfnote.runs import hashes

    with RunFolder.hold(tmp_path / "audit", SETTINGS, hashes(rows)) as folder:
        folder.finish(Result("audit", Verdict.PASS))
    assert audited.read(tmp_path / "audit", rows).finding is None
    found = audited.read(tmp_path / "audit", other).finding
    assert found is not None
    assert found.code == "WN703"
    with pytest.raises(InputError, match="no finished audit"):
        audited.read(tmp_path / "nowhere", rows)


@pytest.mark.slow
def test_the_command_guards_and_shows_it(tiny: str, tmp_path: Path) -> None:
    """One run from data to page: the guard's part, its rows, and the same verdict computed anew from them."""
    records.write(SAMPLES, tmp_path / "rows.jsonl")
    file = guard_file(tiny, tmp_path)
    call = [sys.executable, "-m", "wolfnote", "tune", "rows.jsonl", "--model", tiny, "--guard", file, "--out", "run", "--json",
            "--set", "rank=2", "--set", "batch=4", "--set", "epochs=3", "--set", "guard.every=2"]  # fmt: skip
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = msgspec.json.decode(done.stdout, type=Result)
    lines = (tmp_path / "run" / result.tables["guard_rows"]).read_text().splitlines()
    assert tuning.recompute([json.loads(line) for line in lines]) == result.part("guard")
    assert "Level of the answers along planted" in (tmp_path / "run" / "report.html").read_text()
