"""Labels travel: out and back without loss, twice without doubling, and what cannot be taken is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drawing import drawn
from wolfnote import InputError
from wolfnote.audit import label_exchange, labels
from wolfnote.audit.labels import Label
from wolfnote.audit.review import Review


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Three rows: one in dispute and decided, one clean with a note, one that nobody could judge."""
    found = Review(drawn(tmp_path / "run", 3))
    rows = [place.row for place in found.drawn.places]
    found.say([
        Label(rows[0], "ana", ("hostility", "manipulation"), seconds=3.5, id="1"),
        Label(rows[0], "ben", (), id="2"),
        Label(rows[1], "ana", (), note="fine, <b>really</b>", id="3"),
        Label(rows[2], "ana", (), abstained=True, id="4"),
    ])  # fmt: skip
    found.say([Label(rows[0], "cleo", ("hostility",), adjudicated=True, id="5")])
    return found


def said(review: Review) -> set[tuple[object, ...]]:
    return {
        (one.row, one.reviewer, one.categories, one.note, one.seconds, one.abstained, one.adjudicated)
        for found in review.opinions().values()
        for one in found.every()
    }


@pytest.mark.parametrize("name", ["labels.jsonl", "tasks.json"])
def test_out_and_back_into_another_run(review: Review, tmp_path: Path, name: str) -> None:
    """Every judgement arrives with its person, time and note; importing it again, anywhere, adds nothing."""
    assert label_exchange.export(review, tmp_path / name) == 5
    other = Review(drawn(tmp_path / "other", 3))
    assert label_exchange.bring(other, tmp_path / name) == (5, 0, [])
    assert said(other) == said(review)
    assert labels.settled(other.labels.read()) == labels.settled(review.labels.read())
    assert label_exchange.bring(other, tmp_path / name) == (0, 5, [])
    assert label_exchange.bring(review, tmp_path / name) == (0, 5, [])


def test_tasks_are_what_label_studio_reads(review: Review, tmp_path: Path) -> None:
    """A list of tasks with data and annotations; every drawn row is there, none says its part or its flags."""
    label_exchange.export(review, tmp_path / "t.json")
    tasks = json.loads((tmp_path / "t.json").read_text())
    assert len(tasks) == 3
    assert all(task["data"]["dialogue"][1]["author"] == "assistant" for task in tasks)
    assert {key for task in tasks for key in task["data"]} == {"row", "dialogue"}
    one = tasks[0]["annotations"][0]
    choices = next(part for part in one["result"] if part["from_name"] == "categories")
    assert choices == {
        "from_name": "categories", "to_name": "row", "type": "choices",
        "value": {"choices": ["hostility", "manipulation"]},
    }  # fmt: skip
    assert one["lead_time"] == 3.5


def test_labels_made_in_label_studio(review: Review, tmp_path: Path) -> None:
    """Annotations of its own accounts are taken under the account; cancelled and foreign ones are not; reasons name the task."""
    row = review.drawn.places[1].row

    def task(row: str, *choices: str, **more: object) -> dict[str, object]:
        value = {"from_name": "categories", "to_name": "row", "type": "choices", "value": {"choices": list(choices)}}
        return {"id": 7, "data": {"row": row}, "annotations": [{"id": 9, "result": [value], "completed_by": 3, **more}]}

    tasks = [
        task(row, "careless advice"),
        task(row, "hostility", was_cancelled=True),
        task(row, "clean", completed_by={"id": 4, "email": "dan@example.org"}),
        task("ffff", "clean"),
        task(row, "clean", "hostility"),
        task(row, "rude"),
        {"data": {"text": "another project"}, "annotations": [{"result": []}]},
        "what",
    ]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    brought = label_exchange.bring(review, tmp_path / "t.json")
    assert brought.kept == 2
    people = review.opinions()[row].reviewers
    assert people["label-studio 3"].categories == ("careless advice",)
    assert people["dan@example.org"].categories == ()
    assert len(brought.refused) == 5
    assert any("task 5: categories that make no sense" in reason for reason in brought.refused)
    assert any("ffff: this row is not in the draw" in reason for reason in brought.refused)


def test_bad_lines_are_counted_and_good_ones_kept(review: Review, tmp_path: Path) -> None:
    """A file of labels with rubbish in it brings what it can and names the rest by line."""
    row = review.drawn.places[1].row
    good = json.dumps({"row": row, "reviewer": "dan", "categories": ["dishonesty"]})
    (tmp_path / "l.jsonl").write_text(f'{good}\n\n{{"row": 1}}\n' + "[" * 90_000 + f"\n{good}\n{good.replace('dis', 'un')}\n")
    brought = label_exchange.bring(review, tmp_path / "l.jsonl")
    assert (brought.kept, brought.known, len(brought.refused)) == (1, 1, 3)
    assert "l.jsonl:3: not a judgement" in brought.refused[0]


@pytest.mark.parametrize(("name", "content"), [("x.csv", "a"), ("x.json", "{}"), ("x.json", "["), ("absent.jsonl", None)])
def test_a_file_that_is_none(review: Review, tmp_path: Path, name: str, content: str | None) -> None:
    """One line with a remedy, nothing added."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=" → "):
        label_exchange.bring(review, tmp_path / name)
    with pytest.raises(InputError, match=" → "):
        label_exchange.export(review, tmp_path / "no" / "labels.jsonl")
    with pytest.raises(InputError, match=" → "):
        label_exchange.export(review, tmp_path / "labels.xlsx")
    assert len(review.labels.read()) == 5
