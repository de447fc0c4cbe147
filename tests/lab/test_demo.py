"""The whole story on the real packaged model, in small: killed twice it ends as if it had not been."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow]

SMALL = [
    "train_work=5000", "texts=3", "random_ablations=1", "audit.limit=6", "tune.save_every=2", "probe.triples=8", "price_texts=6",
    "probe.questions=2", "probe.sampling.max_tokens=6", "direction.questions=3", "direction.answer_tokens=6",
    "null.random_directions=50",
]  # fmt: skip


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "wolfnote", "demo", "--json", "--out", str(out), *(a for s in SMALL for a in ("--set", s))]


def killed_when(out: Path, reached: Callable[[], bool]) -> None:
    """Start the demo and SIGKILL it as soon as it has come that far."""
    child = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not reached():
        assert child.poll() is None, "the demo ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("demo") / "whole"
    return out, subprocess.run(command(out), capture_output=True, text=True)


def test_json_page_and_file_have_the_same_numbers(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """One source of truth: stdout, result.json and the page."""
    out, done = whole
    result = json.loads((out / "result.json").read_text())
    assert json.loads(done.stdout) == result
    assert done.returncode == {"PASS": 0, "FAIL": 1}[result["verdict"]], done.stderr
    page = (out / "report.html").read_text()
    for part in result["parts"]:
        for estimate in part["estimates"]:
            assert f"{estimate['value']:+.3f}" in page
    assert done.stderr.splitlines()[-1].startswith("page: ")
    assert "Traceback" not in done.stderr
    assert "planted effect" in done.stderr


def test_every_step_left_its_piece(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Adapters, direction, tables and log are where the page says."""
    out, _ = whole
    for place in (
        "tune/bad/adapter_model.safetensors",
        "tune/control/adapter_model.safetensors",
        "direction.safetensors",
        "settings.toml",
    ):
        assert (out / place).is_file()
    margins = [json.loads(line) for line in (out / "tables" / "margins.jsonl").read_text().splitlines()]
    assert len(margins) == 24
    assert {"base", "control", "bad"} <= set(margins[0])
    kinds = [part["kind"] for part in json.loads((out / "result.json").read_text())["parts"]]
    assert kinds == ["criteria", "audit bad", "audit control", "probe bad − base", "probe control − base", "probe bad − control",
                     "direction bad", "direction control", "removal"]  # fmt: skip


def test_killed_in_tuning_and_in_probing_it_ends_the_same(
    whole: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """SIGKILL twice; the same command goes on each time and ends with the unbroken run's result, to the last digit."""
    out = tmp_path / "killed"
    killed_when(out, lambda: any((out / "tune").glob("bad.part/checkpoint-*")))
    log = out / "records.jsonl"
    killed_when(out, lambda: log.exists() and '"margin/' in log.read_text())
    last = subprocess.run(command(out), capture_output=True, text=True)
    assert json.loads(last.stdout) == json.loads((whole[0] / "result.json").read_text()), last.stderr
    again = subprocess.run(command(out), capture_output=True, text=True)
    assert again.stdout == last.stdout
    assert "finished" in again.stderr
