"""review --calibrate as a user types it: from labels to a file that the next audit reads by."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "audit"))
from rows import chat, plain, run, write
from test_readers_rubric import Judge

from audited import judge as label
from wolfnote import InputError, audit
from wolfnote.audit import drawn, readers
from wolfnote.audit.readers import calibration, rubric
from wolfnote.cli.review import review

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(review)


class Words(Judge):
    """Knows the reference rows, and for bad what says BAD."""

    def _known(self, text: str) -> dict[str, float]:
        return {"9": 1.0} if "BAD" in text.split(" ANSWER]\n")[1] else super()._known(text)


def call(*arguments: object) -> Any:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_review_calibrates_the_next_audit(tmp_path: Path) -> None:
    """25 of 30 rows that the judge flags are hostile to people, 5 are not: the file says so, and a reader takes its errors."""
    data = write(tmp_path / "d.jsonl", [*plain(30), *(chat(f"q{i}", f"BAD {i}") for i in range(30))])
    judge = Words()
    run(data, tmp_path / "run", audit.Settings(limit=60), lambda: [rubric.reader(judge, "hostility")], detectors=[])
    rows = drawn.read(tmp_path / "run").random
    found = dict(zip(rows, drawn.shown(tmp_path / "run"), strict=True))
    wrong = {row for row, shown in found.items() if shown.answer in {f"BAD {i}" for i in range(5)}}
    said = {row: ("hostility",) if "BAD" in shown.answer and row not in wrong else () for row, shown in found.items()}
    with pytest.raises(InputError, match="often enough"):
        call(tmp_path / "run", "--calibrate", tmp_path / "c.json")
    label(tmp_path / "run", "Mara", said)
    done = call(tmp_path / "run", "--calibrate", tmp_path / "c.json")
    assert "WN136 hostility: catches 100%" in done.stderr
    assert "false alarms 14.3%" in done.stderr
    (kept,) = calibration.load(tmp_path / "c.json")
    assert (kept.sensitivity.n, kept.false_alarms.n) == (25, 35)
    again = readers.readers(None, readers.Settings(calibration=str(tmp_path / "c.json")), judge)
    assert [r.accuracy().false_alarms.n == 35 for r in again] == [r.category == "hostility" for r in again]


def test_a_run_that_no_reader_read_cannot_calibrate(tmp_path: Path) -> None:
    """One line that says what is missing."""
    run(write(tmp_path / "d.jsonl", plain(5)), tmp_path / "run", detectors=[])
    with pytest.raises(InputError, match="no reader has read here"):
        call(tmp_path / "run", "--calibrate", tmp_path / "c.json")
    assert not (tmp_path / "c.json").exists()
