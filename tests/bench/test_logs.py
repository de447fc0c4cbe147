"""Results that exist already: paired by document, refused where the two runs did not ask the same."""

from __future__ import annotations

import json
from pathlib import Path

import logged
import pytest

from wolfnote.bench import Settings, imports, labels, run_logs
from wolfnote.errors import InputError
from wolfnote.folder import RunFolder
from wolfnote.results import Verdict
from wolfnote.settings import Policy


def test_the_paired_test_finds_what_the_unpaired_one_misses(tmp_path: Path) -> None:
    """The same logs, both tests: .080 unpaired and .008 paired, side by side, and a loss that the gate cannot yet clear."""
    before, after = logged.outcomes(68, 30, 12, 110)
    base, tuned = logged.lm_eval(tmp_path / "base", before), logged.lm_eval(tmp_path / "tuned", after)
    part = run_logs(base, [tuned], Settings()).parts[0].parts[0]
    assert round(part.estimate("unpaired z-test's p").value, 3) == 0.080
    assert round(part.estimate("McNemar's p").value, 3) == 0.008
    assert part.estimates[0].high is not None
    assert part.estimates[0].high < 0


def test_a_planted_regression_is_found(tmp_path: Path) -> None:
    """40 of 200 documents lost: FAIL with the ability finding."""
    before, after = logged.outcomes(130, 40, 0, 30)
    result = run_logs(logged.lm_eval(tmp_path / "a", before), [logged.lm_eval(tmp_path / "b", after)], Settings())
    assert result.verdict is Verdict.FAIL
    assert [f.code for f in result.findings] == ["WN401"]


def test_nothing_is_found_where_nothing_was_lost(tmp_path: Path) -> None:
    """The same answers on 200 documents: PASS. With base and tuned at one half of two choices: NOT RUN, the floor."""
    same = logged.lm_eval(tmp_path / "a", [1.0] * 150 + [0.0] * 50)
    assert run_logs(same, [same], Settings()).verdict is Verdict.PASS
    floor = logged.lm_eval(tmp_path / "c", [1.0] * 100 + [0.0] * 100)
    assert run_logs(floor, [floor], Settings()).verdict is Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ({"prompt": "Be kind. "}, "the prompt or target hash differs in 50 of 50"),
        ({"template": "abc"}, "not the same chat template"),
    ],
)
def test_other_prompts_are_refused_with_the_reason(tmp_path: Path, differs: dict[str, str], says: str) -> None:
    """Another prompt, or another chat template: nothing to compare, in one line that says which."""
    base = logged.lm_eval(tmp_path / "a", [1.0] * 50)
    other = logged.lm_eval(tmp_path / "b", [1.0] * 50, **differs)
    with pytest.raises(InputError, match=says):
        run_logs(base, [other], Settings())


def test_one_refused_task_does_not_stop_the_others(tmp_path: Path) -> None:
    """Two tasks, one asked differently: the other is compared, the refused one is told, and the whole is no PASS."""
    for name in ("a", "b"):
        logged.lm_eval(tmp_path / name, [1.0] * 150 + [0.0] * 50)
        extra = logged.lm_eval(tmp_path / f"{name}-2", [1.0] * 50, task="lore", prompt=name)
        for file in (extra / "model").glob("samples_*"):
            file.rename(tmp_path / name / "model" / file.name)
    result = run_logs(tmp_path / "a", [tmp_path / "b"], Settings())
    assert result.verdict is Verdict.NOT_RUN
    assert [s.what for s in result.skipped] == ["task lore"]
    assert result.parts[0].parts[0].verdict is Verdict.PASS


def test_documents_are_paired_by_hash_not_by_place(tmp_path: Path) -> None:
    """The tuned log in another order, and with a third missing: the same pairs, the missing ones counted."""
    before, after = logged.outcomes(100, 30, 0, 20)
    base, tuned = logged.lm_eval(tmp_path / "a", before), logged.lm_eval(tmp_path / "b", after)
    (file,) = (tuned / "model").glob("samples_*")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(reversed(lines[50:])))
    result = run_logs(base, [tuned], Settings())
    assert result.parts[0].parts[0].estimates[0].n == 100
    assert result.skipped[-1].count == 50


def test_helm_runs_are_compared(tmp_path: Path) -> None:
    """A HELM run folder of either model: the score is found among the statistics, the perturbed instance left out and told."""
    before, after = logged.outcomes(60, 30, 0, 10)
    base = logged.helm(tmp_path / "a", before, model="org/base")
    result = run_logs(base, [logged.helm(tmp_path / "b", after, model="org/tuned")], Settings())
    assert result.verdict is Verdict.FAIL
    part = result.parts[0].parts[0]
    assert part.kind == "mmlu:subject=anatomy: exact_match"
    assert part.estimate("chance").value == 0.25
    assert any("perturbed" in s.reason for s in result.skipped)
    with pytest.raises(InputError, match="not the same adapter"):
        run_logs(base, [logged.helm(tmp_path / "c", after, instructions="Answer. ")], Settings())


def test_safety_by_name_or_by_word(tmp_path: Path) -> None:
    """A task called xstest is held to the tighter tolerance, and so is one that the user names."""
    log = logged.lm_eval(tmp_path / "a", [1.0] * 90 + [0.0] * 10, task="xstest")
    assert run_logs(log, [log], Settings()).verdict is Verdict.INCONCLUSIVE
    log = logged.lm_eval(tmp_path / "b", [1.0] * 90 + [0.0] * 10)
    assert run_logs(log, [log], Settings()).verdict is Verdict.PASS
    assert run_logs(log, [log], Settings(safety=("mine",))).verdict is Verdict.INCONCLUSIVE


def test_less_is_better_where_the_user_says_so(tmp_path: Path) -> None:
    """A measure of harm that rises: a loss once it is turned round, a gain before."""
    low, high = logged.lm_eval(tmp_path / "a", [0.0] * 200), logged.lm_eval(tmp_path / "b", [1.0] * 60 + [0.0] * 140)
    assert run_logs(low, [high], Settings(lower=("mine: acc",))).verdict is Verdict.FAIL
    assert run_logs(low, [high], Settings()).verdict is Verdict.NOT_RUN


def test_results_without_samples_and_other_folders(tmp_path: Path) -> None:
    """Aggregates alone cannot be paired; a folder of nothing, and damaged JSON, are one line each."""
    log = logged.lm_eval(tmp_path / "a", [1.0])
    for file in (log / "model").glob("samples_*"):
        file.unlink()
    with pytest.raises(InputError, match="--log_samples"):
        imports.read(log)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no results here"):
        imports.read(tmp_path / "none")
    run = logged.helm(tmp_path / "h", [1.0])
    (run / "per_instance_stats.json").write_text("[{")
    with pytest.raises(InputError, match="not readable JSON"):
        imports.read(run)


def test_samples_that_are_no_numbers_are_counted(tmp_path: Path) -> None:
    """A score of 37 points and a line that is no JSON: left out and told."""
    log = logged.lm_eval(tmp_path / "a", [1.0] * 100)
    (file,) = (log / "model").glob("samples_*")
    lines = file.read_text().splitlines()
    broken = json.loads(lines[0]) | {"acc": 37.0}
    file.write_text("\n".join([json.dumps(broken), *lines[1:], '{"torn']) + "\n")
    assert sum(s.count for s in imports.read(log).skipped) == 2


def test_twins_as_logs(tmp_path: Path) -> None:
    """Two harmless tunes' logs give the false alarms of the gate on these documents."""
    log = logged.lm_eval(tmp_path / "a", [1.0] * 150 + [0.0] * 50)
    result = run_logs(log, [log], Settings(), twins=[log, log], policy=Policy())
    assert result.part("null").verdict is Verdict.PASS


def test_the_run_folder_keeps_the_rows(tmp_path: Path) -> None:
    """What was paired lies in the folder, a line a document."""
    import msgspec

    class Nothing(msgspec.Struct, frozen=True):
        n: int = 0

    log = logged.lm_eval(tmp_path / "a", [1.0] * 20)
    with RunFolder.hold(tmp_path / "run", Nothing()) as folder:
        result = run_logs(log, [log], Settings(), folder=folder)
        assert len((folder.path / result.tables["items"]).read_text().splitlines()) == 20


def test_no_model_hides_another() -> None:
    """Tuned models of one name, or called like the base, keep names of their own."""
    assert labels(["package:x+runs/a/bad", "package:x+runs/b/bad", "logs/base", "scripted:kept.jsonl"]) == [
        "bad 1", "bad 2", "base 2", "kept",
    ]  # fmt: skip
