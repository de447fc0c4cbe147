"""``wolfnote review`` on the command line: mistakes in one line, labels in and out."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from serving import Reviewing

from drawing import drawn


def review(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wolfnote", "review", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    """A folder without a draw, a name that is none, a port that is taken, a port that cannot be: exit code 2 and a remedy."""
    run = drawn(tmp_path / "run", 2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (
            [tmp_path],
            [run, "--as", "a\nb"],
            [run, "--port", port],
            [run, "--port", "99999"],
            [run, "--import", "x.txt"],
        ):
            done = review(*arguments)
            assert done.returncode == 2, done.stderr
            assert done.stderr.startswith("wolfnote: ")
            assert " → " in done.stderr
            assert done.stderr.count("\n") == 1


def test_labels_out_and_in(tmp_path: Path) -> None:
    """What one run exports another takes; what it cannot take is named, and the exit code is 3."""
    run, other = drawn(tmp_path / "run", 2), drawn(tmp_path / "other", 1)
    said = [{"row": f"{i:016x}", "reviewer": "ana", "categories": ["hostility"][:i], "id": str(i)} for i in range(2)]
    (run / "labels.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    done = review(run, "--export", tmp_path / "out.json")
    assert (done.returncode, done.stderr) == (0, f"2 labels written to {tmp_path / 'out.json'}\n")
    done = review(other, "--import", tmp_path / "out.json", "--export", tmp_path / "out.jsonl")
    assert done.returncode == 3
    assert "1 labels added, 0 known already, 1 could not be taken" in done.stderr
    assert json.loads((tmp_path / "out.jsonl").read_text())["reviewer"] == "ana"


@pytest.mark.parametrize("port", ["", "free"])
def test_the_address_stays(tmp_path: Path, port: str) -> None:
    """The port of the first time is the port of the next: a browser keeps what is unsent by address. Only loopback listens."""
    run = drawn(tmp_path / "run", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = str(free.getsockname()[1])
    with Reviewing(run, "ana", options=("--port", number) if port else ()) as first:
        assert not port or first.url.endswith(number)
        assert first.url.startswith("http://127.0.0.1:")
    with Reviewing(run, "ana") as second:
        assert second.links == first.links
