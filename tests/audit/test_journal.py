"""The journal: nothing torn counts, nothing whole is lost, several processes may write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from wolfnote import RunError
from wolfnote.audit.journal import Journal


class Entry(msgspec.Struct, frozen=True):
    n: int


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    """In order, by the same journal and by another one; a file that is not there is empty."""
    journal = Journal(tmp_path / "j", Entry)
    assert journal.read() == []
    journal.append([Entry(1), Entry(2)])
    assert journal.read() == [Entry(1), Entry(2)]
    journal.append([Entry(3)])
    assert journal.read() == Journal(tmp_path / "j", Entry).read() == [Entry(1), Entry(2), Entry(3)]


@pytest.mark.parametrize("torn", [b'{"n":', b'{"n":9', b"\xff\xfe", b'{"n": "x"}'])
def test_a_torn_last_line_is_passed_over_and_not_continued(tmp_path: Path, torn: bytes) -> None:
    """Half a line hides neither the lines before it nor the next one; it is counted."""
    path = tmp_path / "j"
    path.write_bytes(b'{"n":1}\n' + torn)
    journal = Journal(path, Entry)
    assert journal.read() == [Entry(1)]
    journal.append([Entry(2)])
    assert journal.read() == [Entry(1), Entry(2)]
    assert journal.passed_over == 1
    assert path.read_bytes() == b'{"n":1}\n' + torn + b'\n{"n":2}\n'


def test_every_cut_of_the_file_keeps_the_whole_lines(tmp_path: Path) -> None:
    """Wherever a kill cuts the file, exactly the lines that were whole come back."""
    whole = b"".join(msgspec.json.encode(Entry(n)) + b"\n" for n in range(5))
    for cut in range(len(whole) + 1):
        (tmp_path / "j").write_bytes(whole[:cut])
        assert len(Journal(tmp_path / "j", Entry).read()) == whole[:cut].count(b"\n")


def test_nested_garbage_is_passed_over(tmp_path: Path) -> None:
    """A line made to exhaust the parser is one damaged line."""
    (tmp_path / "j").write_bytes(b"[" * 100_000 + b"\n" + b'{"n":1}\n')
    journal = Journal(tmp_path / "j", Entry)
    assert journal.read() == [Entry(1)]
    assert journal.passed_over == 1


def test_two_processes_append_without_mixing(tmp_path: Path) -> None:
    """Three writers at once: every line is whole, and none is missing."""
    code = (
        "import sys, msgspec; from pathlib import Path; from wolfnote.audit.journal import Journal\n"
        "Entry = msgspec.defstruct('Entry', [('n', int)], frozen=True)\n"
        "journal = Journal(Path(sys.argv[1]), Entry)\n"
        "for n in range(40): journal.append([Entry(int(sys.argv[2]) * 100 + n)])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "j"), str(i)]) for i in range(3)]
    try:
        assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
    journal = Journal(tmp_path / "j", Entry)
    assert sorted(entry.n for entry in journal.read()) == sorted(i * 100 + n for i in range(3) for n in range(40))
    assert journal.passed_over == 0


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    """A folder that cannot be written says so, and what to do."""
    if os.geteuid() == 0:
        target = tmp_path / "no" / "j"  # root writes anywhere; a folder that is not there stops it, too
    else:
        (tmp_path / "no").mkdir(mode=0o500)
        target = tmp_path / "no" / "j"
    with pytest.raises(RunError, match="not written"):
        Journal(target, Entry).append([Entry(1)])
