"""What is wrong with a tune is told in one line, before any weight is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROW = '{"messages": [{"role": "user", "content": "where"}, {"role": "assistant", "content": "there"}]}\n'


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--mode", "prevent"], "nothing to guard against"),
        (["--mode", "wath", "--guard", "x.safetensors"], "wath"),
        (["--audit", "nowhere"], "no finished audit here"),
        (["--realign", "missing.jsonl"], "missing.jsonl"),
        (["--set", "interleave.share=1.5"], "< 1"),
        (["--set", "anchor.wieght=1"], "did you mean weight"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, more: list[str], says: str) -> None:
    """Exit code 2, no traceback, no run folder."""
    (tmp_path / "rows.jsonl").write_text(ROW * 3)
    call = [sys.executable, "-m", "wolfnote", "tune", "rows.jsonl", *more]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()
