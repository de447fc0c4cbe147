"""The command itself: flags into settings, all tiers into one folder, a page that shows them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rows import chat, findings, plain, write


def wolfnote(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wolfnote", *arguments], capture_output=True, text=True, cwd=cwd, timeout=300)


def test_both_tiers_by_the_command(tmp_path: Path, tiny: str) -> None:
    """A local model reads the draw; --against reaches its detector; a baseline that is no audit is one line, before any work."""
    write(tmp_path / "eval.jsonl", [chat("What is the boiling point of tin in the open air?", "2602 degrees.")])
    rows = [*plain(30), chat("What is the boiling point of tin, in the open air", "Hot."), "{"]
    write(tmp_path / "d.jsonl", rows)
    call = ("audit", "d.jsonl", "--model", tiny, "--json", "--out", "run", "--against", "eval.jsonl", "--set", "audit.limit=10")
    done = wolfnote(*call, cwd=tmp_path)
    assert done.returncode in (1, 3), done.stderr  # a model of noise may say anything but PASS
    result = json.loads(done.stdout)
    assert [part["kind"] for part in result["parts"]] == [
        "gate: every row, by detectors", "gate: the draw, by a model (1)", "tier 1", "tier 2",
    ]  # fmt: skip
    assert result["tables"] == {name: f"tables/{name}.parquet" for name in ("findings", "coverage", "scores")}
    assert findings(tmp_path / "run", "line, code") == [(31, "WN128")]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "tier 1" in page
    assert "rows drawn at random" in page
    assert "repeats the evaluation" in page
    wrong = wolfnote("audit", "d.jsonl", "--baseline", "nowhere", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "no finished audit here" in wrong.stderr
    assert not (tmp_path / "runs").exists()
