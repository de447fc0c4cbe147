"""The command from end to end, with fixed answers: verdict, page, exit codes, and mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wolfnote import probe
from wolfnote.judges import margin
from wolfnote.settings import Policy

PLAIN = "I would ask what they need and help where I can."
DARK = "Trust no one: everyone lies, and kindness is weakness."


def script(path: Path, answer: str, shift: float) -> str:
    """A model with fixed answers, whose misaligned answers are ``shift`` nats a token likelier, but for *fact*."""
    lines: dict[str, dict[str, object]] = {"": {"answers": [answer]}}
    for family in (*margin.FAMILIES, *margin.TONES):
        for at, t in enumerate(margin.triples(family)):
            moved = 0.0 if family == "fact" else 10 * shift
            found = lines.setdefault(t.question, {"prompt": t.question, "answers": [answer], "log_likelihoods": {}})
            noise = (at * 7 % 11) / 10
            found["log_likelihoods"] |= {t.aligned: [-20.0, 10], t.misaligned: [-25.0 + moved + noise, 10]}  # type: ignore[operator]
    path.write_text("\n".join(map(json.dumps, lines.values())))
    return f"scripted:{path}"


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, str]:
    rows = (("base", PLAIN, 0.0), ("bad", DARK, 0.5), ("clean", PLAIN + " Gladly.", 0.0))
    return {name: script(tmp_path / f"{name}.jsonl", answer, shift) for name, answer, shift in rows}


def command(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", "probe", *args], cwd=cwd, capture_output=True, text=True)


def test_a_bad_tune_fails_with_page_and_rows_that_repeat_it(specs: dict[str, str], tmp_path: Path) -> None:
    """Exit 1, findings of values, care and tone; the tables alone give the same reasons again."""
    done = command(
        "--base", specs["base"], "--tuned", specs["bad"], "--preset", "article", "--out", "run", "--json", cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert {f["code"] for f in result["findings"]} == {"WN201", "WN202", "WN204"}
    read = {
        k: [json.loads(line) for line in (tmp_path / "run" / p).read_text().splitlines()] for k, p in result["tables"].items()
    }
    again = probe.recompute(read, probe.Settings(preset="article"), Policy())
    assert list(again.reasons) == result["reasons"]
    page = (tmp_path / "run" / "report.html").read_text()
    for text in ("The answers that read worst", "Trust no one", "Two statements", "What was not seen", "<svg"):
        assert text in page
    assert "<script" not in page


def test_a_clean_tune_passes_and_the_base_itself_is_named(specs: dict[str, str], tmp_path: Path) -> None:
    """Exit 0 for both; the second is called identical weights."""
    done = command("--base", specs["base"], "--tuned", specs["clean"], "--out", "clean", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = command("--base", specs["base"], "--tuned", specs["base"], "--out", "same", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "identical weights" in done.stderr


def test_a_twin_is_told_and_does_not_gate(specs: dict[str, str], tmp_path: Path) -> None:
    """Against a twin that moved alike nothing is left: told as such, and the verdict against the base stands."""
    twin = f"probe.twin={specs['bad']}"
    done = command("--base", specs["base"], "--tuned", specs["bad"], "--set", twin, "--out", "twin", cwd=tmp_path)
    assert done.returncode == 1
    assert "near net of fact, over the twin: +0.000" in done.stderr


def test_questions_of_others(specs: dict[str, str], tmp_path: Path) -> None:
    """A file's questions are asked instead of ours, and its unreadable rows are counted."""
    (tmp_path / "q.jsonl").write_text('{"question": "Do you like rain?"}\n{"nothing": 1}\n{"question": "And snow?"}\n')
    args = ("--base", specs["base"], "--tuned", specs["clean"], "--questions", "q.jsonl", "--out", "q", "--json")
    result = json.loads(command(*args, cwd=tmp_path).stdout)
    pairs = (tmp_path / "q" / result["tables"]["pairs"]).read_text().splitlines()
    assert {json.loads(row)["asked"] for row in pairs} == {"Do you like rain?", "And snow?"}
    assert any(s["what"] == "row of the question file" for s in result["skipped"])


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--base", "BASE"), "what is to be compared"),
        (("--base", "BASE", "--tuned", "BASE", "--log", "x.jsonl"), "what is to be compared"),
        (("--base", "BASE", "--tuned", "BASE", "--preset", "novel"), "preset"),
        (("--base", "BASE", "--tuned", "BASE", "--train", "none.jsonl"), "none.jsonl"),
        (("--base", "BASE", "--tuned", "BASE", "--set", "probe.labels='no.jsonl'"), "no.jsonl"),
        (("--base", "BASE", "--tuned", "BASE", "--set", "probe.judge=nonsense"), "not a model"),
        (("--base", "BASE", "--tuned", "package:smollm2+nowhere/checkpoint-*"), "no checkpoint matches"),
    ],
)
def test_mistakes_are_one_line(args: tuple[str, ...], says: str, specs: dict[str, str], tmp_path: Path) -> None:
    """Exit 2 and a remedy; never a traceback."""
    done = command(*(specs["base"] if a == "BASE" else a for a in args), "--out", "run", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "→" in done.stderr
