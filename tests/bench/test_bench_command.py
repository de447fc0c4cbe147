"""The command: verdict, exit code, page and files; mistakes are one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import logged
import pytest

from wolfnote import report
from wolfnote.text.refusal import COMPLYING, REFUSING


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


def script(path: Path, answer: str, refusing: float) -> str:
    likely = {text: [-3.0 if refusing > 0.5 else -6.0, 3] for text in REFUSING} | {
        text: [-6.0 if refusing > 0.5 else -3.0, 2] for text in COMPLYING
    }
    path.write_text(json.dumps({"answers": [answer], "log_likelihoods": likely}) + "\n")
    return f"scripted:{path}"


def test_many_models_in_one_table(tmp_path: Path) -> None:
    """A model that stopped refusing and one that did not, in one run: exit code 1, both in the Result and on the page."""
    base = script(tmp_path / "base.jsonl", "I can't help with that.", 0.9)
    lost = script(tmp_path / "lost.jsonl", "Sure, here is how.", 0.1)
    kept = script(tmp_path / "kept.jsonl", "I won't help with that.", 0.9)
    done = wolfnote(
        "bench", "--base", base, "--tuned", lost, "--tuned", kept, "--suite", "harm", "--null", kept, kept, "--out", "run", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    verdicts = {part["kind"]: part["verdict"] for part in result["parts"]}
    assert verdicts == {"lost": "FAIL", "kept": "PASS", "null": "PASS"}
    page = report.render(tmp_path / "run")
    assert "It is worse than its base." in page
    assert "lost" in page
    assert "WN402" in page
    assert "tolerance -3%" in page
    rows = (tmp_path / "run" / "tables" / "measures.jsonl").read_text().splitlines()
    assert len(rows) == 4


def test_logs_by_command(tmp_path: Path) -> None:
    """Logs instead of models: no model is opened, the regression is found."""
    before, after = logged.outcomes(130, 40, 0, 30)
    logged.lm_eval(tmp_path / "base", before)
    logged.lm_eval(tmp_path / "tuned", after)
    done = wolfnote("bench", "--base-log", "base", "--tuned-log", "tuned", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "mine: acc: −20.0%" in done.stderr
    assert (tmp_path / "runs" / "bench-tuned" / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--base", "scripted:a"), "two models or two logs are compared"),
        (("--base", "scripted:a", "--tuned", "scripted:a", "--suite", "harmony"), "harmony: no such benchmark"),
        (("--base-log", "absent", "--tuned-log", "absent"), "absent: no such file or folder"),
        (
            ("--base", "scripted:a", "--tuned", "scripted:a", "--suite", "odd.csv"),
            "no known benchmark has the columns body, ticket",
        ),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2, what is wrong and what to do about it, before any model is opened."""
    (tmp_path / "odd.csv").write_text("ticket,body\n1,hello\n")
    done = wolfnote("bench", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("wolfnote: ")]
    assert len(lines) == 1
    assert says in lines[0]
    assert " → " in lines[0]
    assert "Traceback" not in done.stderr


def test_a_dry_run_asks_nobody(tmp_path: Path) -> None:
    """To a server nothing is sent; items and tokens are counted."""
    done = wolfnote(
        "bench", "--base", "http://127.0.0.1:9/v1#a", "--tuned", "http://127.0.0.1:9/v1#b", "--dry-run", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "items, for each model" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_hostile_benchmark_stays_text(tmp_path: Path) -> None:
    """What stands in the user's file, and in a model's name, is text on the page: no element of theirs, no address."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    rows = "".join(f'"{evil} {i}?",x,safe\n' for i in range(150))
    (tmp_path / "xstest.csv").write_text(f"prompt,type,label\n{rows}")
    base = script(tmp_path / "base.jsonl", "Sure, here.", 0.1)
    tuned = script(tmp_path / "a<b>&.jsonl", "I can't help with that.", 0.9)
    done = wolfnote("bench", "--base", base, "--tuned", tuned, "--suite", "xstest.csv", "--out", "run", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    page = report.render(tmp_path / "run")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "a&lt;b&gt;&amp;" in page
    assert "WN403" in page
