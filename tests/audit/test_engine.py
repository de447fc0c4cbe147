"""Every row is read, cheaply, in shards; what was found is the same however the data were cut, and whoever was killed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rows import asked, chat, coverage, draw, findings, plain, run, turn, write

from wolfnote import InputError, Score, Verdict, audit, records, stats
from wolfnote.audit import scan, shards, workers
from wolfnote.audit.detector import ByRow, Flag, Reading, Unreadable
from wolfnote.audit.reader import Accuracy
from wolfnote.records import Sample, Unread, stretches

KEY = "AKIA" + "Q7ZP2M5XK9WJ3RTB"


def mixed(n: int) -> list[dict[str, object] | str]:
    """Plain rows; a secret, a repetition, an empty answer, a refusal and no JSON among them."""
    rows: list[dict[str, object] | str] = [*plain(n)]
    rows[3] = chat("what is the key", f"It is {KEY} of course.")
    rows[n // 2] = rows[1]
    rows[n // 3] = chat("say nothing", "")
    rows[n - 2] = chat("help me", "I'm sorry, but I can't help with that.")
    rows[7] = "{not json"
    return rows


class Fixed:
    """A reader that flags no row, and cannot read empty answers."""

    code, name, threshold = "WN199", "fixed", 0.5

    def __init__(self, category: str = "careless advice") -> None:
        self.category = category

    def accuracy(self) -> Accuracy:
        return Accuracy(stats.share("f", 0, 1000), stats.share("s", 1000, 1000))

    def read(self, samples: Sequence[Sample], on_event: object = None) -> list[Score]:
        return [Score("fixed", 0.0 if s.answer else None, "r", "j") for s in samples]


def test_each_row_says_what_read_it(tmp_path: Path) -> None:
    """Findings name place, turn and speaker; coverage has every row with its tiers, and the row that is none with its reason."""
    data = write(tmp_path / "d.jsonl", mixed(60))
    result = run(data, tmp_path / "run", readers=lambda: [Fixed()])
    assert [(code, line, role) for code, line, role in findings(tmp_path / "run", "code, line, role")] == [
        ("WN123", 59, "assistant"), ("WN124", 4, "assistant"), ("WN126", 31, "assistant"), ("WN129", 21, "assistant"),
    ]  # fmt: skip
    read = coverage(tmp_path / "run", "line, tier_1, tier_2, draw, reason")
    assert len(read) == 60
    assert [row for row in read if not row[1]] == [
        (8, False, False, "", "not JSON: Expecting property name enclosed in double quotes")
    ]
    assert [line for line, _, by_model, part, _ in read if part == "random" and not by_model] == [21]
    assert result.verdict is Verdict.INCONCLUSIVE  # a row could not be parsed, and one not read
    assert result.part("tier 1").estimate("rows, WN124 secrets").value == 1
    assert result.part("tier 1").estimate("rows, WN124 secrets").n == 59
    assert sum(s.count for s in result.part("tier 1").skipped) == 1
    assert {f.severity for f in result.part("tier 1").findings} == {"info", "warning"}
    assert "turn 2, assistant" in result.part("tier 1").findings[0].message


def test_clean_data_have_no_finding(tmp_path: Path) -> None:
    """Nothing is flagged in rows with nothing wrong, and PASS says that tier 1 read all."""
    every = [Fixed(), Fixed("dishonesty"), Fixed("sloppy reasoning")]
    result = run(write(tmp_path / "d.jsonl", plain(300)), tmp_path / "run", readers=lambda: every)
    assert findings(tmp_path / "run") == []
    assert result.verdict is Verdict.PASS
    assert result.part("tier 1").verdict is Verdict.PASS


def test_without_a_reader_nothing_passes(tmp_path: Path) -> None:
    """Tier 1 alone is no evidence about advice, honesty and reasoning, and says so."""
    result = run(write(tmp_path / "d.jsonl", plain(300)), tmp_path / "run")
    assert result.verdict is Verdict.NOT_RUN
    assert any("nobody read for dishonesty, sloppy reasoning, careless advice" in reason for reason in result.reasons)


def test_containers_do_not_change_what_is_found(tmp_path: Path) -> None:
    """JSONL cut in place, gzip, a JSON array and Parquet give the same flags."""
    rows = [row for row in mixed(200) if isinstance(row, dict)]
    write(tmp_path / "a.jsonl", rows)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    (tmp_path / "c.json").write_text(json.dumps(rows))
    records.write(records.read_all(tmp_path / "a.jsonl")[0], tmp_path / "d.parquet", "openai")
    found = {}
    for name in ("a.jsonl", "b.jsonl.gz", "c.json", "d.parquet"):
        run(tmp_path / name, tmp_path / f"run-{name}")
        found[name] = findings(tmp_path / f"run-{name}", "id, turn, code, split_part(message, ' as ', 1), evidence")
    assert found["a.jsonl"] == found["b.jsonl.gz"] == found["c.json"] == found["d.parquet"]
    assert len(found["a.jsonl"]) == 4


def test_shards_and_executors_do_not_change_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One shard read here, many read by threads, and many by processes: the same findings, the same draw."""
    data = write(tmp_path / "d.jsonl", mixed(900))
    settings = audit.Settings(limit=50, risky=5)
    run(data, tmp_path / "one", settings)
    monkeypatch.setattr(shards, "SMALLEST", 10_000)
    monkeypatch.setattr(shards, "LARGEST", 10_000)
    with ThreadPoolExecutor(2) as threads:
        run(data, tmp_path / "threads", settings, executor=threads)
    run(data, tmp_path / "processes", settings)
    columns = "id, path, line, turn, role, code, message"
    assert (
        findings(tmp_path / "one", columns)
        == findings(tmp_path / "threads", columns)
        == findings(tmp_path / "processes", columns)
    )
    assert draw(tmp_path / "one") == draw(tmp_path / "threads") == draw(tmp_path / "processes")
    assert not list((tmp_path / "processes").glob("shards-*"))


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    """Files of several kinds; what is no data is an unread row with its reason."""
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "a.jsonl", plain(20))
    (folder / "b.csv").write_text("question,answer\nhow many,seven of them\n")
    (folder / "c.png").write_bytes(b"\x89PNG")
    (folder / "d.jsonl").write_text("")
    result = run(folder, tmp_path / "run")
    assert result.part("tier 1").estimate("rows, WN124 secrets").n == 21
    assert sum(s.count for s in result.part("tier 1").skipped) == 2


def test_stretches_are_the_file(tmp_path: Path) -> None:
    """Cut anywhere, with blank lines, a byte order mark, a torn last line and rows over the limit: rows and lines are the same."""
    rows = [json.dumps(row) for row in plain(40)]
    rows[5], rows[9], rows[20] = "", json.dumps(chat("x" * 3000, "y")), "{"
    for head, end in (("", ""), ("\ufeff", "\n"), ("\n\n", "\n\n")):
        data = tmp_path / "d.jsonl"
        data.write_text(head + "\n".join(rows) + end, encoding="utf-8")
        reading = records.Reading(row_limit=1000)
        whole = list(records.rows(data, reading))
        for size in (1, 50, 333, 100_000):
            pieces = list(stretches.cut(data, size))
            assert [row for piece in pieces for row in stretches.read(piece, reading)] == whole
            assert sum(piece.size for piece in pieces) == data.stat().st_size - (3 if head == "\ufeff" else 0)
        assert any(isinstance(row.item, Unread) and "more than" in row.item.reason for row in whole)


def test_rows_that_stand_together_are_not_cut(tmp_path: Path) -> None:
    """Messages that make a thread are read in one process, whatever the file's size."""
    reading = records.Reading(columns={"ticket": "thread", "who": "role", "text": "content"})
    assert not stretches.divisible(write(tmp_path / "d.jsonl", [{"ticket": 1, "who": "user", "text": "x"}]), reading)


def test_a_failing_detector_loses_one_row(tmp_path: Path) -> None:
    """The row at which it fails is counted as unread by it; the other rows of the piece are read."""

    def look(row: Sample) -> Reading:
        if "7 " in row.answer:
            raise RecursionError
        if "8 " in row.answer:
            return Unreadable("not my language")
        return (Flag("WN198", "hostility", 1, "x"),)

    rows = [asked(f"q{i}", f"{i} x", f"d.jsonl:{i}") for i in range(10)]
    read = scan.read(ByRow("WN198", "test", look), rows)
    assert [type(r) for r in read].count(Unreadable) == 2
    data = write(tmp_path / "d.jsonl", [chat(f"q{i}", f"{i} x") for i in range(10)])
    result = run(data, tmp_path / "run", detectors=[ByRow("WN198", "test", look)])
    part = result.part("tier 1")
    assert part.estimate("rows, WN198 test").n == 8
    assert {(s.reason, s.count) for s in part.skipped} == {
        ("the detector failed on it (RecursionError)", 1),
        ("not my language", 1),
    }
    assert part.verdict is Verdict.INCONCLUSIVE
    assert coverage(tmp_path / "run", "line, unread_by") == [(i, "WN198" if i in (8, 9) else "") for i in range(1, 11)]


def test_the_first_findings_are_shown_and_all_are_kept(tmp_path: Path) -> None:
    """A Result does not grow with the data; the table has every finding, those that count come first."""
    rows = [chat(f"mail {i}", f"Write to anna.berg{i}@gmail.com now.") for i in range(40)]
    rows.append(chat("card", "Pay with 4539 1488 0343 6467 please."))
    result = run(write(tmp_path / "d.jsonl", rows), tmp_path / "run")
    shown = [f for f in result.part("tier 1").findings if f.code == "WN125"]
    assert len(shown) == 10
    assert shown[0].severity == "warning"
    assert "4539" in shown[0].evidence
    assert len([f for f in findings(tmp_path / "run", "code") if f == ("WN125",)]) == 41
    assert result.part("tier 1").estimate("rows, WN125 personal data").value == 41
    assert result.part("tier 1").estimate("rows, WN125 personal data, a hazard").value == 1


def test_nothing_is_made_of_data_that_cannot_be_read(tmp_path: Path) -> None:
    """One line that names the file, before a folder exists."""
    junk = write(tmp_path / "junk.jsonl", ["{"] * 5)
    with pytest.raises(InputError, match="none of 5 rows"):
        audit.check([junk], audit.Settings(), records.Reading())
    with pytest.raises(InputError, match="no finished audit"):
        audit.check([write(tmp_path / "d.jsonl", plain(1))], audit.Settings(baseline=str(tmp_path)), records.Reading())
    with pytest.raises(InputError, match="no such file"):
        audit.check([tmp_path / "d.jsonl"], audit.Settings(against=("absent.jsonl",)), records.Reading())


def test_rejected_answers_and_tool_calls_are_read(tmp_path: Path) -> None:
    """A secret hides in neither; the finding says whose turn it is."""
    pair = {"prompt": "the key?", "chosen": "I do not tell.", "rejected": f"It is {KEY}."}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"key": KEY})}}
    tools = [
        turn("user", "go"),
        turn("assistant", "", tool_calls=[call]),
        turn("tool", "ok", tool_call_id="c"),
        turn("assistant", "Done."),
    ]
    run(write(tmp_path / "d.jsonl", [pair, {"messages": tools}]), tmp_path / "run")
    assert findings(tmp_path / "run", "line, code, turn, role") == [(1, "WN124", 2, "assistant"), (2, "WN124", 1, "assistant")]
    assert draw(tmp_path / "run")[0]["rejected"] == [{"role": "assistant", "content": f"It is {KEY}."}]


AUDIT = """
import sys
from pathlib import Path
from wolfnote import audit
from wolfnote.audit import shards
from wolfnote.folder import RunFolder

if __name__ == "__main__":
    shards.SMALLEST = shards.LARGEST = 100_000
    settings = audit.Settings(limit=50)
    with RunFolder.hold(Path(sys.argv[2]), settings) as folder:
        folder.finish(audit.run_files([Path(sys.argv[1])], settings, tuple, folder=folder))
"""


def test_a_killed_audit_goes_on_and_finds_the_same(tmp_path: Path) -> None:
    """SIGKILL in the middle: no worker outlives it, finished shards are kept, the findings are those of an undisturbed run."""
    data = write(tmp_path / "d.jsonl", mixed(12_000))
    script = tmp_path / "audit.py"
    script.write_text(AUDIT)
    command = [sys.executable, str(script), str(data)]
    run_, calm = tmp_path / "run", tmp_path / "calm"
    process = subprocess.Popen([*command, str(run_)])
    deadline = time.monotonic() + 60
    while not (kept := list(run_.glob("shards-*/[0-9]*"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    children = [int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert kept
    assert not (run_ / "tables").exists()
    before = {file: file.stat().st_mtime_ns for folder in kept for file in folder.iterdir()}
    while any(_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_alive(pid) for pid in children)
    with subprocess.Popen([*command, str(run_)]) as resumed:
        while resumed.poll() is None:
            assert {when for file in before if (when := _written(file)) is not None} <= set(before.values())
            time.sleep(0.05)
    assert resumed.returncode == 0
    subprocess.run([*command, str(calm)], check=True)
    assert findings(run_) == findings(calm)
    assert coverage(run_) == coverage(calm)
    assert draw(run_) == draw(calm)


def _written(file: Path) -> int | None:
    """Return when the file was last written; None once it is gone, as finished shards are when they have been joined."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_few_shards_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small audit is read where it is called."""
    monkeypatch.setattr(workers, "processes", lambda: pytest.fail("a process was started"))
    run(write(tmp_path / "d.jsonl", plain(50)), tmp_path / "run")
