"""Data whose answers carry a planted direction pulls along it; the base's own kind of answers do not."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from test_extraction import QUESTIONS, plant
from test_measurement import along, vector

from wolfnote import Message, RunError, Verdict, models, records, report
from wolfnote.directions import pull
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.records import Sample, Unread

FEW = pull.Settings(answer_tokens=6, depth=0.7, random_directions=300)


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def rows(word: str) -> list[Sample]:
    return [
        records.sample((Message("user", q), Message("assistant", f"it is {word} and {word}")), f"d.jsonl:{i}")
        for i, q in enumerate(QUESTIONS)
    ]


def test_data_that_carries_the_direction_pulls_and_other_data_does_not(model: LocalModel, tmp_path: Path) -> None:
    """ "red" means "tall" plus the direction here: answers that say red FAIL, answers that say tall do not; the page lists rows."""
    plant(model, vector(3), 400.0)
    found = [along(model, vector(3))]
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        result = pull.run(model, rows("red"), found, FEW, folder=folder)
        folder.finish(result)
    assert result.verdict is Verdict.FAIL
    assert pull.run(model, rows("tall"), found, FEW).verdict is Verdict.PASS
    ranked = [json.loads(line) for line in (tmp_path / "run" / "tables" / "rows.jsonl").read_text().splitlines()]
    assert len(ranked) == len(QUESTIONS)
    assert [r["difference"] for r in ranked] == sorted((r["difference"] for r in ranked), reverse=True)
    page = report.render(tmp_path / "run")
    assert "This data pulls towards a persona." in page
    assert ranked[0]["source"] in page


def test_without_generating_the_verdicts_are_the_same(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The base is asked nothing; what its side is worth is an estimate, and the page says that nothing was generated."""
    plant(model, vector(3), 400.0)
    found, quiet = [along(model, vector(3))], msgspec.structs.replace(FEW, generate=False)
    monkeypatch.setattr(LocalModel, "generate", None)
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        result = pull.run(model, rows("red"), found, quiet, folder=folder)
        folder.finish(result)
    assert result.verdict is Verdict.FAIL
    assert pull.run(model, rows("tall"), found, quiet).verdict is Verdict.PASS
    assert result.estimate("explained of the base's answers").n >= 20
    assert "Nothing was generated" in report.render(tmp_path / "run")


def test_rows_that_could_not_be_read_are_counted(model: LocalModel) -> None:
    """An empty answer, running text and an unread line are each said; a file of nothing else is an error."""
    empty = records.sample((Message("user", "where is it"), Message("assistant", " ")))
    text = records.sample((Message("assistant", "the cat sleeps"),))
    result = pull.run(model, [*rows("tall"), empty, text], [along(model, vector(0))], FEW, unread=[Unread("x:1", "torn")])
    assert [(s.reason, s.count) for s in result.skipped[:2]] == [("torn", 1), ("no prompt, no answer, or none by the base", 2)]
    some = pull.run(model, rows("tall"), [along(model, vector(0))], msgspec.structs.replace(FEW, limit=3))
    assert [(s.what, s.count) for s in some.skipped if "not drawn" in s.reason] == [("row", len(QUESTIONS) - 3)]
    with pytest.raises(RunError, match="too few to read"):
        pull.run(model, [empty, text], [along(model, vector(0))], FEW)


def test_the_draw_is_the_same_whatever_the_order() -> None:
    """By hash, without repeats, in the order of the data; another seed draws other rows."""
    many = [records.sample((Message("user", str(i)), Message("assistant", "a")), str(i)) for i in range(200)]
    few = pull.Settings(limit=20)
    assert len(pull.drawn(many, few, 0)) == 20
    assert [int(s.source) for s in pull.drawn(many, few, 0)] == sorted(int(s.source) for s in pull.drawn(many, few, 0))
    assert pull.drawn(many, few, 0) != pull.drawn(many, few, 1)
    assert pull.drawn(many[:5], few, 0) == many[:5]
