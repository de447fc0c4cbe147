"""A long run that is killed again and again asks no question twice and ends like an unbroken one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from servers import ToyServer
from wolfnote.probe.question import unrelated

KILLS = 20
AT_ONCE = 4


def call(server: ToyServer, out: str) -> list[str]:
    settings = ("probe.samples=1", f"remote.concurrency={AT_ONCE}", "remote.backoff=0.01")
    options = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "wolfnote", "probe", "--base", server.spec, "--tuned", f"{server.url}#other",
            "--out", out, *options]  # fmt: skip


def asked(server: ToyServer) -> Counter[tuple[str, str]]:
    """How often each question of the probe came to each model; the self-check's own texts are no questions of the probe."""
    texts = {q.text for q in unrelated()}
    bodies = server.asked("/v1/chat/completions")
    found = [(body["model"], body["messages"][-1]["content"]) for body in bodies]
    return Counter(pair for pair in found if pair[1] in texts)


def answers(folder: Path) -> list[dict[str, Any]]:
    rows = (folder / "tables" / "pairs-base-tuned.jsonl").read_text().splitlines()
    return [json.loads(row) for row in rows]


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_asked_twice(tmp_path: Path) -> None:
    """SIGKILL at 20 random moments of a probe through HTTP, then to the end: the same answers and the same result.

    What was in flight at a kill never arrived and is asked again; beyond that, no question comes a second time.
    """
    chance = random.Random(1)
    with ToyServer(names=["toy", "other"], logprobs=False, delay=0.1) as server:
        kills = 0
        for _ in range(3 * KILLS):
            before = size(tmp_path / "killed" / "completions.jsonl")
            child = subprocess.Popen(call(server, "killed"), cwd=tmp_path, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 30
            while size(tmp_path / "killed" / "completions.jsonl") == before and child.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(chance.random() * 0.1)
            os.kill(child.pid, signal.SIGKILL)
            kills += child.wait() == -signal.SIGKILL
            if kills == KILLS or child.returncode == 3:
                break
        assert kills == KILLS
        assert subprocess.run(call(server, "killed"), cwd=tmp_path, capture_output=True).returncode == 3  # margins: NOT RUN
        counts = asked(server)
        assert len(counts) == 2 * len(unrelated())
        assert sum(counts.values()) - len(counts) <= KILLS * AT_ONCE
        subprocess.run(call(server, "whole"), cwd=tmp_path, capture_output=True)
    assert answers(tmp_path / "killed") == answers(tmp_path / "whole")
    first, second = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("killed", "whole"))
    assert first == second
