"""The ledger shows the first entry that is not as it was written, and survives a kill in the middle of a line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wolfnote import RunError
from wolfnote.audit import ledger


def filled(folder: Path) -> list[bytes]:
    for what in ("audit", "review opened", "review closed", "clean"):
        ledger.append(folder, what, "Mara", rows=500, share=0.25, note="été")
    return (folder / ledger.FILE).read_bytes().splitlines(keepends=True)


def test_entries_come_back_and_hold(tmp_path: Path) -> None:
    """Who, what, when and the facts; an empty folder holds, too."""
    assert ledger.verify(tmp_path) is None
    assert ledger.read(tmp_path) == []
    filled(tmp_path)
    found = ledger.read(tmp_path)
    assert [entry.what for entry in found] == ["audit", "review opened", "review closed", "clean"]
    assert found[0].facts == {"rows": 500, "share": 0.25, "note": "été"}
    assert found[0].who == "Mara"
    assert found[-1].hash == ledger.head(tmp_path)
    assert ledger.verify(tmp_path) is None


def changed(line: bytes, **values: object) -> bytes:
    return json.dumps({**json.loads(line), **values}).encode() + b"\n"


@pytest.mark.parametrize(
    ("how", "line", "says"),
    [
        (lambda x: [x[0], changed(x[1], who="Eve"), *x[2:]], 2, "changed"),
        (lambda x: [x[0], changed(x[1], facts={"rows": 5}), *x[2:]], 2, "changed"),
        (lambda x: [x[0], *x[2:]], 2, "taken out"),
        (lambda x: x[1:], 1, "taken out"),
        (lambda x: [x[1], x[0], *x[2:]], 1, "moved"),
        (lambda x: [*x[:2], x[1], *x[2:]], 3, "put in"),
        (lambda x: [*x[:3], b"{}\n", x[3]], 4, "not an entry"),
        (lambda x: [*x[:3], b"\xff\n"], 4, "not an entry"),
        (lambda x: [*x, x[3][:20]], 5, "torn"),
    ],
)
def test_the_first_broken_entry_is_named(tmp_path: Path, how, line: int, says: str) -> None:  # type: ignore[no-untyped-def]
    """Changed, taken out, moved, put in, spoilt, torn: the line and the reason; reading it is an error."""
    lines = filled(tmp_path)
    (tmp_path / ledger.FILE).write_bytes(b"".join(how(lines)))
    broken = ledger.verify(tmp_path)
    assert broken is not None
    assert broken.line == line
    assert says in broken.reason
    with pytest.raises(RunError, match=f"line {line}"):
        ledger.head(tmp_path)


def test_a_rehashed_entry_breaks_the_next(tmp_path: Path) -> None:
    """Whoever changes an entry and its own hash is found out one line later."""
    lines = filled(tmp_path)
    entry = json.loads(lines[1])
    entry["who"] = "Eve"
    parts = [entry[key] for key in ("number", "at", "who", "what", "facts", "previous")]
    lines[1] = changed(lines[1], who="Eve", hash=ledger._hash(*parts))
    (tmp_path / ledger.FILE).write_bytes(b"".join(lines))
    broken = ledger.verify(tmp_path)
    assert broken is not None
    assert broken.line == 3


def test_nothing_is_added_to_a_broken_ledger(tmp_path: Path) -> None:
    """Evidence of a change is not buried under new entries."""
    lines = filled(tmp_path)
    before = b"".join([lines[0], *lines[2:]])
    (tmp_path / ledger.FILE).write_bytes(before)
    with pytest.raises(RunError, match="broken ledger"):
        ledger.append(tmp_path, "sign", "Ines")
    assert (tmp_path / ledger.FILE).read_bytes() == before


def test_a_torn_line_is_written_again(tmp_path: Path) -> None:
    """A step that was killed while it wrote its entry is done again; the chain holds."""
    lines = filled(tmp_path)
    (tmp_path / ledger.FILE).write_bytes(b"".join(lines[:3]) + lines[3][:30])
    ledger.append(tmp_path, "clean", "Mara")
    assert ledger.verify(tmp_path) is None
    assert len(ledger.read(tmp_path)) == 4


def test_two_processes_and_a_kill(tmp_path: Path) -> None:
    """Two write at once and one is killed: every entry that stands is whole, and they are one chain."""
    code = "import sys; from pathlib import Path; from wolfnote.audit import ledger\nwhile True: ledger.append(Path(sys.argv[1]), 'audit', sys.argv[2])"
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], env=os.environ) for name in ("a", "b")]
    path = tmp_path / ledger.FILE
    try:
        while not path.exists() or path.read_bytes().count(b"\n") < 60:
            assert all(process.poll() is None for process in both)
    finally:
        for process in both:
            process.send_signal(signal.SIGKILL)
            process.wait()
    ledger.append(tmp_path, "audit", "c")
    assert ledger.verify(tmp_path) is None
    assert {entry.who for entry in ledger.read(tmp_path)} >= {"c"}
