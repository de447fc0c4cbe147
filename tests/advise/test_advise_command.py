"""The command: recommendation, exit code, files, page, and the same Result again from the tables alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import advising
import pytest

import checked
from wolfnote import Result, Verdict, report
from wolfnote.advise import Beside, Models, Settings, documents, recompute, run, task
from wolfnote.bundle.recomputing import compare, differences
from wolfnote.folder import RunFolder, read_result
from wolfnote.models import open as open_model
from wolfnote.results import Estimate


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


def probed(verdict: Verdict) -> object:
    """An alignment measure that says the same of every arm; what is under test is what advice makes of it."""
    shift = Estimate("far net of fact", 0.1, 0.0, 0.2, 50, "Welch")
    return lambda base, arm, name: Result("probe", verdict, (f"probe: {verdict.value}",), (shift,))


def advised(path: Path, right: int, verdict: Verdict, n: int = 240) -> Result:
    """Base right on every other item, tuned on the first ``right``; the run lies in ``path/run``."""
    tasks = task.read(advising.tasks(path / "tasks.jsonl", n), Settings())
    base = open_model(advising.model(path / "base.jsonl", set(range(0, n, 2)), n))
    tuned = open_model(advising.model(path / "tuned.jsonl", set(range(right)), n))
    beside = Beside("Say the colour.", documents.read(advising.docs(path / "kb", n), 800), alignment=probed(verdict))  # type: ignore[arg-type]
    settings = Settings(timed=3)
    with RunFolder.hold(path / "run", _tables(settings)) as folder:
        return folder.finish(run(Models(base, tuned), tasks, settings, beside, folder=folder))


def _tables(settings: Settings) -> object:
    from wolfnote.settings import tables

    return tables(advise=Settings)(advise=settings)


def same(path: Path) -> None:
    """``recompute`` gives what is stored, part by part."""
    stored = read_result(path)
    assert stored is not None
    assert list(differences(stored, recompute(path), "advise")) == []


def test_a_clean_and_better_tune_is_recommended(tmp_path: Path) -> None:
    """Right on all items where the base is on half: PASS, every arm with score, cost and alignment; decision.json says it."""
    result = advised(tmp_path, 240, Verdict.PASS)
    assert result.verdict is Verdict.PASS, result.reasons
    assert result.reasons[0].startswith("recommended: tuned: better than every untuned arm by at least ")
    decision = json.loads((tmp_path / "run" / "decision.json").read_text())
    assert decision["recommended"] == "tuned"
    assert decision["arms"]["base"]["estimates"]["score"]["value"] == 0.5
    assert result.estimate("recall@3").value == 1.0
    assert result.part("tuned").estimate("far net of fact").value == 0.1
    page = report.render(tmp_path / "run")
    assert "Use tuned." in page
    same(tmp_path / "run")


def test_a_better_tune_that_fails_the_probe_is_not_recommended(tmp_path: Path) -> None:
    """Every arm fails the made-up probe, the base is what is left: FAIL, with WN603 or without a tune that could be used."""
    result = advised(tmp_path, 240, Verdict.FAIL)
    assert result.verdict is Verdict.FAIL
    assert [finding.code for finding in result.findings] == ["WN603", "WN603"]
    assert result.reasons[0].startswith("recommended: base")
    same(tmp_path / "run")


def test_rows_that_were_changed_are_told(tmp_path: Path) -> None:
    """A score turned in the table no longer gives the stored result."""
    advised(tmp_path, 240, Verdict.PASS, 80)
    table = tmp_path / "run" / "tables" / "items.jsonl"
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    rows[0]["score"]["base"] = 0.0
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stored = read_result(tmp_path / "run")
    assert stored is not None
    assert list(differences(stored, recompute(tmp_path / "run"), "advise"))


def test_the_command_without_a_tune_says_the_headroom(tmp_path: Path) -> None:
    """End to end in a process: exit code 3 (sixty items tell equal arms apart by too little), headroom, what was not read, prompt,
    and a hostile item that stays text on the page."""
    advising.tasks(tmp_path / "tasks.jsonl")
    evil = {"id": "<img src=x>", "question": "<script>alert(1)</script>", "answer": "x", "split": "test"}
    with (tmp_path / "tasks.jsonl").open("a") as file:
        file.write(json.dumps(evil) + "\n")
    advising.docs(tmp_path / "kb")
    (tmp_path / "kb" / "empty.md").write_text("")
    base = advising.model(tmp_path / "base.jsonl", set(range(0, 60, 2)))
    command = ("advise", "tasks.jsonl", "--docs", "kb", "--base", base, "--goal", "Say colours.", "--out", "run")
    done = wolfnote(*command, "--set", "advise.alignment=false", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "the headroom to a perfect score is" in done.stderr
    assert "not read: empty.md: the file is empty" in done.stderr
    assert (tmp_path / "run" / "prompt.txt").read_text().startswith("Say colours.")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    same(tmp_path / "run")


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    """Exit code 2, no traceback: a file that is not there, a judge that is needed and not named."""
    done = wolfnote("advise", "absent.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("wolfnote: absent.jsonl: cannot be read")
    assert "Traceback" not in done.stderr
    base = advising.model(tmp_path / "base.jsonl", set())
    for extra, says in (
        ({"score": "judge", "answer": "x"}, "advise.judge: items are scored by a judge"),
        ({"score": "regex", "pattern": "("}, "item a: not a pattern"),
    ):
        (tmp_path / "tasks.jsonl").write_text(json.dumps({"id": "a", "question": "q", "split": "test", **extra}) + "\n")
        done = wolfnote("advise", "tasks.jsonl", "--base", base, cwd=tmp_path)
        assert done.returncode == 2
        assert says in done.stderr
        assert not list(tmp_path.glob("runs/*/completions.jsonl"))  # nothing was asked


def _dot(page: str, arm: str) -> str:
    """The circle of an arm in the picture of quality against cost."""
    return next(part for part in page.split("<circle ")[1:] if f"<title>{arm}: alignment" in part)


def test_each_arm_is_really_probed_and_the_bundle_holds_it_against_the_rows(tmp_path: Path) -> None:
    """The prompt leaves the base's margins as they are, the tune moved them: the probe of the one passes, that of the other fails,
    so the better tune is not recommended. A verdict that is turned in the table is told by ``verify``'s comparison."""
    advising.tasks(tmp_path / "tasks.jsonl", 240)
    specs = []
    for name, shift, right in (("base", 0.0, set(range(0, 240, 2))), ("tuned", 0.6, set(range(240)))):
        checked.scripted(tmp_path / f"{name}.jsonl", shift)
        lines = (tmp_path / f"{name}.jsonl").read_text()
        advising.model(tmp_path / "own.jsonl", right, 240)
        (tmp_path / f"{name}.jsonl").write_text(lines + (tmp_path / "own.jsonl").read_text())
        specs += [f"--{name}", f"scripted:{tmp_path / name}.jsonl"]
    sets = ("--set", "probe.samples=1", "--set", "probe.character=false", "--set", "advise.timed=0")
    done = wolfnote("advise", "tasks.jsonl", *specs, *sets, "--out", "run", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    stored = read_result(tmp_path / "run")
    assert stored is not None
    assert [f.code for f in stored.findings] == ["WN603"]
    assert stored.part("tuned").verdict is Verdict.FAIL
    assert stored.part("prompt").estimate("far net of fact").value == 0.0
    assert compare(stored, tmp_path / "run") == ([], "")
    page = (tmp_path / "run" / "report.html").read_text()
    dots = [tone for arm in ("prompt", "tuned") for tone in ("control", "bad") if f'class="dot {tone}"' in _dot(page, arm)]
    assert dots == ["control", "bad"]
    table = tmp_path / "run" / "tables" / "alignment.jsonl"
    table.write_text(table.read_text().replace('"verdict": "FAIL"', '"verdict": "PASS"'))
    assert "the probe of tuned says FAIL" in compare(stored, tmp_path / "run").faults[0]


@pytest.mark.parametrize(
    ("target", "verdict"), [(0.0, Verdict.INCONCLUSIVE), (0.9, Verdict.PASS), (0.999, Verdict.INCONCLUSIVE)]
)
def test_without_a_tune_only_a_target_says_what_suffices(tmp_path: Path, target: float, verdict: Verdict) -> None:
    """All 240 items right: no target, INCONCLUSIVE; a target that is surely reached, PASS; one above the lower bound, not."""
    tasks = task.read(advising.tasks(tmp_path / "tasks.jsonl", 240), Settings())
    base = open_model(advising.model(tmp_path / "base.jsonl", set(range(240)), 240))
    result = run(Models(base), tasks, Settings(target=target, timed=0), Beside("Say the colour."))
    assert result.verdict is verdict, result.reasons
    assert result.reasons[0].startswith("recommended: base")


def test_nothing_is_recommended_where_nothing_is_right(tmp_path: Path) -> None:
    """All arms at zero are equal, and the cheapest of them is still worth nothing."""
    tasks = task.read(advising.tasks(tmp_path / "tasks.jsonl", 240), Settings())
    base = open_model(advising.model(tmp_path / "base.jsonl", set(), 240))
    result = run(Models(base), tasks, Settings(timed=0), Beside("Say the colour."))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reasons[0] == "no arm gets anything right: there is nothing to recommend"
