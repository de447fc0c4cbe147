"""Ctrl-C, twice, at any moment: no torn file, no traceback, and the same command goes on from there."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from wolfnote import RunError, interrupts
from wolfnote.folder import RunFolder

COUNT = 4000
LOOP = f"""
import pathlib, sys, msgspec
from wolfnote import cli
from wolfnote.folder import RunFolder
from wolfnote.results import Result, Verdict
Settings = msgspec.defstruct("Settings", [("n", int, 1)], frozen=True)

@cli.app.command()
def loop(folder: pathlib.Path) -> None:
    print("begun", flush=True)
    with RunFolder.hold(folder, Settings()) as run:
        try:
            for i in range({COUNT}):
                run.once(f"k{{i}}", lambda: "x" * (i % 700))
                run.write("page.html", "whole " * 500)
        finally:
            run.once("cleaned up", lambda: True)  # a record written while the first Ctrl-C unwinds
        run.finish(Result("loop", Verdict.PASS))

sys.argv = ["wolfnote", "loop", sys.argv[1]]
cli.main()
"""


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


def interrupted(folder: Path, first: float, second: float) -> tuple[int, str]:
    """Exit code and stderr of a run of the loop that hears SIGINT after ``first`` seconds and again after ``second`` more."""
    child = subprocess.Popen(
        [sys.executable, "-c", LOOP, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    for pause in (first, second):
        time.sleep(pause)
        child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    return child.returncode, said


def test_two_interrupts_at_random_moments_corrupt_nothing(tmp_path: Path) -> None:
    """After each of 24 rounds the log is whole, the line is said, the exit code is 3; in the end nothing was done twice."""
    chance = random.Random(0)
    folder = tmp_path / "r"
    seen = 0
    for _ in range(24):
        code, said = interrupted(folder, chance.uniform(0, 0.08), chance.choice((0, chance.uniform(0, 0.004))))
        assert code == 3, said
        assert "Traceback" not in said
        assert said.strip().splitlines()[-1] == interrupts.STOPPED
        log = folder / "records.jsonl"
        lines = log.read_bytes().splitlines() if log.exists() else []
        keys = [json.loads(line)["key"] for line in lines]
        assert len(set(keys)) == len(keys) >= seen
        seen = len(keys)
        if (folder / "page.html").exists():
            assert (folder / "page.html").read_text() == "whole " * 500
        with RunFolder.hold(folder, Settings()) as run:  # reads the chain from its start
            assert run.once("k0", lambda: "") == ""
    assert 0 < seen < COUNT  # how far it gets is the disk's matter


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    """Ctrl-C inside ``postponed`` is heard after it, once; the block is not cut."""
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.postponed():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append(True)
    assert done == [True]
    with interrupts.postponed():
        pass  # and nothing is left over for the next one


def test_a_failed_write_leaves_log_and_memory_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is one line; when there is room again the same object goes on and its chain is whole."""
    import os

    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        run.once("a", lambda: 1)
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(RunError, match=r"No space left on device\) → free the disk"):
                run.once("b", lambda: 2)
        assert run.once("b", lambda: 3) == 3
    with RunFolder.hold(tmp_path / "r", Settings()) as run:
        assert run.once("b", lambda: 99) == 3
