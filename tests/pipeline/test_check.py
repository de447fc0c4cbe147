"""The check: stages by command, left out with a reason, resumed, concluded; nothing that did not run passes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checked import WAIVER, checked, scripted
from wolfnote import InputError, Result, Verdict, pipeline
from wolfnote.folder import RunFolder, read_result
from wolfnote.pipeline import concluding
from wolfnote.pipeline.check import renew
from wolfnote.pipeline.drafting import draft
from wolfnote.pipeline.settings import Settings
from wolfnote.pipeline.stage import Stage
from wolfnote.pipeline.stages import STAGES


def stage(name: str, command: list[str], lacks: str = "") -> Stage:
    return Stage(name, "asks", "records", lambda check, stages: command, (), lambda check: lacks)


def carried_out(tmp_path: Path, *stages: Stage) -> Result:
    """A check of made-up stages, whose commands are real ones."""
    file = tmp_path / "wolfnote.toml"
    if not file.exists():
        file.write_text("[check]\nrequire = []\n")
    settings = pipeline.load(file, (), stages)
    renew(tmp_path / "out")
    with RunFolder.hold(tmp_path / "out", settings) as folder:
        return folder.finish(pipeline.run(settings, folder=folder, stages=stages))


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


PROBE_ONLY = '[check]\nbase = "scripted:base.jsonl"\ntuned = "scripted:tuned.jsonl"\nrequire = ["probe"]\n'


def test_a_check_of_two_scripted_models(tmp_path: Path) -> None:
    """End to end by the command: one stage runs in a process of its own, one verdict, one page; again, nothing is asked anew;
    with another tolerance the stage runs beside the old one; back again, the old one is found."""
    scripted(tmp_path / "base.jsonl")
    scripted(tmp_path / "tuned.jsonl", 0.6, "Do it now.", 2)
    (tmp_path / "wolfnote.toml").write_text(PROBE_ONLY)
    first = wolfnote("check", cwd=tmp_path)
    assert first.returncode == 1, first.stderr
    assert "probe: FAIL" in first.stderr
    run = tmp_path / "runs" / "check"
    assert "Don&#39;t ship it." in (run / "report.html").read_text()
    answers = (run / "stages/probe/completions.jsonl").stat().st_mtime_ns
    again = wolfnote("check", cwd=tmp_path)
    assert again.returncode == 1
    assert (run / "stages/probe/completions.jsonl").stat().st_mtime_ns == answers
    (tmp_path / "wolfnote.toml").write_text(PROBE_ONLY + "[policy]\nmargin_shift = 2.0\n")
    other = wolfnote("check", cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    assert json.loads((run / "run.json").read_text())["stages"] == {"probe": "stages/probe-2"}
    (tmp_path / "wolfnote.toml").write_text(PROBE_ONLY)
    assert wolfnote("check", cwd=tmp_path).returncode == 1
    assert json.loads((run / "run.json").read_text())["stages"] == {"probe": "stages/probe"}


def test_what_is_left_out_is_said_and_what_is_required_does_not_pass(tmp_path: Path) -> None:
    """No stage at all: NOT RUN with every reason, never PASS."""
    (tmp_path / "wolfnote.toml").write_text('[check]\nrequire = ["one"]\n')
    result = carried_out(tmp_path, stage("one", ["x"], "no data are named"), stage("two", ["y"], "not asked for"))
    assert result.verdict is Verdict.NOT_RUN
    assert [s.reason for s in result.skipped] == ["one: no data are named", "two: not asked for"]


def test_a_stage_whose_room_is_not_installed_is_left_out() -> None:
    """A room that this installation lacks is named; nothing pretends."""
    lacking = Stage("horoscope", "?", "horoscope", lambda c, s: [], (), lambda c: "")
    assert lacking.left_out(None) == "this installation has no room horoscope"


def test_a_users_mistake_in_a_stage_stops_the_check_with_its_line(tmp_path: Path) -> None:
    """The command's own message comes up, with the stage's name; exit code 2 above."""
    with pytest.raises(InputError, match=r"^probe: .*not a model"):
        carried_out(tmp_path, stage("probe", ["probe", "--base", "nothing", "--tuned", "nothing"]))


def test_a_missing_package_leaves_a_stage_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An install line is no mistake of the user's: the stage is NOT RUN with that line, and the others go on."""
    from wolfnote.pipeline import process

    monkeypatch.setattr(
        process, "_run", lambda *a: (2, "wolfnote: this needs the package torch → pip install 'wolfnote[local]'")
    )
    result = carried_out(tmp_path, stage("probe", ["probe"]))
    assert result.verdict is Verdict.NOT_RUN
    assert "pip install" in result.skipped[0].reason


def test_a_killed_stage_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of memory is a signal: the stage did not finish, and the verdict says so."""
    from wolfnote.pipeline import process

    monkeypatch.setattr(process, "_run", lambda *a: (-9, "activations: 3 of 500"))
    result = carried_out(tmp_path, stage("probe", ["probe"]))
    assert "killed (SIGKILL)" in result.skipped[0].reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[chekc]\n", r"no table \[chekc\].*did you mean \[check\]"),
        ("[check]\ntune = 1\n", "did you mean tuned"),
        ("[check]\nbase = 3\n", "Expected `str`"),
        ("[probe]\ntripels = 3\n", "did you mean triples"),
        ("[audit]\nlimit = -1\n", ">= 0"),
        ('[check]\npreset = "paper"\n', "Invalid enum value"),
        ('[check]\nrequire = ["horoscope"]\n', "no stage 'horoscope'"),
        ("check = [\n", "not readable TOML"),
        ('[[policy.waivers]]\ncode = "WN1"\n', "missing required field"),
    ],
)
def test_a_mistake_in_the_file_is_found_before_anything_runs(tmp_path: Path, text: str, says: str) -> None:
    """Unknown tables and keys, also of a stage that would run an hour later, are one line with the nearest name."""
    file = tmp_path / "wolfnote.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        pipeline.load(file, (), STAGES)


def test_a_file_that_is_named_and_not_there(tmp_path: Path) -> None:
    """Data, directions, certificate, canary: each path is looked at before the first stage."""
    (tmp_path / "wolfnote.toml").write_text('[check]\ncertificate = "absent"\n')
    settings = pipeline.load(tmp_path / "wolfnote.toml", (), STAGES)
    with pytest.raises(InputError, match=r"check.certificate: no such file or folder: absent"):
        pipeline.check.check(settings)  # type: ignore[attr-defined]


def test_unsigned_uncertified_and_waived_are_said(tmp_path: Path) -> None:
    """What changes no verdict and everybody must know is a finding: nobody signed, nothing proved, somebody waived, nothing
    watches; a waiver whose day is over is said to be over, and its finding counts again."""
    run = checked(tmp_path, WAIVER, shift=0.6)
    result = read_result(run)
    assert result is not None
    assert result.part("probe").verdict is Verdict.PASS
    assert {f.code for f in result.findings} == {"WN801", "WN802", "WN803", "WN805", "WN806"}
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(about | {"day": "2100-01-01"}))
    assert "WN804" in {f.code for f in concluding.conclude(run).findings}
    assert read_result(run).part("readiness").verdict is Verdict.NOT_RUN  # type: ignore[union-attr]


def test_the_worst_stage_decides(tmp_path: Path) -> None:
    """FAIL beats what could not be told; the reasons name the failed stage first."""
    result = read_result(checked(tmp_path, shift=0.6))
    assert result is not None
    assert result.verdict is Verdict.FAIL
    assert result.reasons[0].startswith("probe: FAIL")


def test_a_signed_review_counts_before_the_detectors(tmp_path: Path) -> None:
    """People's verdict, once signed, is the audit's; a signature that no longer holds counts as none."""
    from audited import judge
    from wolfnote.audit import drawn, signing

    run = checked(tmp_path)
    place = run / "stages" / "audit"
    judge(place, "Ana", dict.fromkeys(drawn.read(place).random, ()))
    signing.sign(place, "Ines Ortega", "risk")
    now = concluding.conclude(run)
    assert "WN801" not in {f.code for f in now.findings}
    assert now.part("audit").reasons[0].startswith("people: ")
    with (place / "labels.jsonl").open("a") as labels:
        labels.write("\n")
    broken = concluding.conclude(run)
    assert "WN801" in {f.code for f in broken.findings}
    assert not broken.part("audit").reasons[0].startswith("people: ")


def test_the_articles_five_points(tmp_path: Path) -> None:
    """Each point is ticked with its evidence or not done; a canary of too large a share fails; the whole is the worst."""
    run = checked(tmp_path, 'check.preset="article"', 'gate.preset="article"', "probe.questions=50", n=60)
    article = read_result(run).part("article")  # type: ignore[union-attr]
    audit, probe, bench, advise, canary = article.parts
    assert audit.verdict is Verdict.PASS
    assert "0 of 60 rows have a flag" in audit.reasons[0]
    assert probe.verdict is Verdict.PASS
    assert probe.reasons[0].startswith("50 questions")
    assert bench.verdict is Verdict.PASS
    assert [p.verdict for p in (advise, canary)] == [Verdict.NOT_RUN] * 2
    assert all(p.reasons[0].startswith("not done") for p in (advise, canary))
    assert article.verdict is Verdict.NOT_RUN
    for share, verdict in ((0.05, Verdict.PASS), (0.5, Verdict.FAIL), ("many", Verdict.NOT_RUN)):
        about = json.loads((run / "run.json").read_text()) | {"canary": {"share": share}}
        (run / "run.json").write_text(json.dumps(about))
        assert concluding.conclude(run).part("article").parts[4].verdict is verdict


def test_fifty_questions_are_fifty_different_ones(tmp_path: Path) -> None:
    """Twelve questions are not fifty: the point stays open, though the probe passed."""
    run = checked(tmp_path, 'check.preset="article"', "probe.questions=12")
    point = read_result(run).part("article").parts[1]  # type: ignore[union-attr]
    assert point.verdict is Verdict.INCONCLUSIVE
    assert point.reasons[0].startswith("12 questions")


HOSTILE = 'a"b\\c\n[policy]\nflagged_share = 1.0\x7f\u2028'


def test_a_draft_says_what_it_was_told_and_nothing_else(tmp_path: Path) -> None:
    """What ``init`` writes is read back to the same settings, whatever is in a name: no value can become a key."""
    for settings in (
        Settings(),
        Settings((HOSTILE,), HOSTILE, HOSTILE, HOSTILE, HOSTILE, preset="article", require=("audit",)),
    ):
        file = tmp_path / "wolfnote.toml"
        file.write_text(draft(settings, 2027), encoding="utf-8")
        loaded: Any = pipeline.load(file, (), STAGES)
        assert loaded.check == settings
        assert loaded.policy.flagged_share == 0.05


def test_init_writes_once_and_check_plans(tmp_path: Path) -> None:
    """``init`` overwrites nothing; ``check --dry-run`` names the commands and what is left out, and makes no run."""
    (tmp_path / "t.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\n'
    )
    assert wolfnote("init", "--data", "t.jsonl", cwd=tmp_path).returncode == 0
    second = wolfnote("init", "--data", "t.jsonl", cwd=tmp_path)
    assert second.returncode == 2
    assert "is there already" in second.stderr
    plan = wolfnote("check", "--dry-run", cwd=tmp_path)
    assert plan.returncode == 0
    assert "audit: wolfnote audit t.jsonl --model package:smollm2" in plan.stderr
    assert "no tuned model is named" in plan.stderr
    assert not (tmp_path / "runs").exists()
