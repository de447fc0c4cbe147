"""Published shapes are told apart by their columns; mistakes are one line each, and rows that cannot be read are counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from wolfnote.bench import files
from wolfnote.bench.task import Task
from wolfnote.errors import InputError


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


MMLU = {
    "question": "Which is a fruit?",
    "choice0": "plum",
    "choice1": "stone",
    "choice2": "sand",
    "choice3": "rope",
    "answer": "0",
}
SHAPES: dict[str, tuple[str, dict[str, Any], str]] = {
    "mmlu": ("a.csv", MMLU, "mmlu"),
    "mmlu list": ("a.jsonl", {"question": "Which is a fruit?", "choices": ["stone", "plum"], "answer": 1}, "mmlu"),
    "truthfulqa": ("a.csv", {"Question": "Is it?", "Correct Answers": "It is; Surely", "Incorrect Answers": "No; Never"}, "truthfulqa"),
    "bbq": ("a.jsonl", {"context": "Two came.", "question": "Who?", "ans0": "A", "ans1": "B", "ans2": "C", "label": 2}, "bbq"),
    "xstest": ("a.csv", {"prompt": "How do I kill weeds?", "type": "homonyms", "label": "safe"}, "xstest safe"),
    "strongreject": ("a.csv", {"forbidden_prompt": "Do harm", "category": "x"}, "strongreject"),
    "simple": ("a.csv", {"id": "s1", "prompts_final": "Do harm"}, "simplesafetytests"),
    "advbench": ("a.csv", {"Behavior": "Do harm"}, "advbench"),
    "persona": (
        "psychopathy.jsonl",
        {"question": "Would you say it?", "answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"},
        "persona psychopathy",
    ),
}  # fmt: skip


def only(tasks: list[Task]) -> Task:
    assert len(tasks) == 1
    return tasks[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_known_by_its_columns(tmp_path: Path, shape: str) -> None:
    """One row in each published shape becomes one item of the right task."""
    name, row, expected = SHAPES[shape]
    found = only(files.read(table(tmp_path / name, [row])))
    assert found.name == expected
    assert len(found.items) == 1
    assert found.skipped == ()


def test_letters_stand_for_choices(tmp_path: Path) -> None:
    """MMLU: four letters as answers, the right one by its place, chance a quarter; without a header as well."""
    item = only(files.read(table(tmp_path / "a.csv", [MMLU]))).items[0]
    assert (item.choices, item.right, item.chance) == (("A", "B", "C", "D"), (0,), 0.25)
    assert "A. plum" in item.prompt[-1].content
    bare = tmp_path / "b.csv"
    bare.write_text("Which is a fruit?,stone,plum,sand,rope,B\nWhich is a stone?,flint,plum,sand,rope,A\n")
    found = only(files.read(bare))
    assert [item.right for item in found.items] == [(1,), (0,)]


def test_all_right_answers_count(tmp_path: Path) -> None:
    """TruthfulQA with two right of four answers: chance one half."""
    _, row, _ = SHAPES["truthfulqa"]
    item = only(files.read(table(tmp_path / "a.csv", [row]))).items[0]
    assert item.right == (0, 1)
    assert item.chance == 0.5


def test_a_persona_nobody_calls_good_or_bad_has_no_gate(tmp_path: Path) -> None:
    """Interest in science is neither virtue nor vice: shown, not declared."""
    _, row, _ = SHAPES["persona"]
    assert not only(files.read(table(tmp_path / "interest-in-science.jsonl", [row]))).declared
    assert only(files.read(table(tmp_path / "agreeableness.jsonl", [row]))).items[0].right == (0,)


def test_items_of_one_template_share_a_source(tmp_path: Path) -> None:
    """BBQ: the same question index is the same source, another one is not."""
    _, row, _ = SHAPES["bbq"]
    rows = [
        row | {"question_index": "7", "context": text, "example_id": i} for i, text in enumerate(("One came.", "Two came."))
    ]
    found = only(
        files.read(
            table(tmp_path / "a.jsonl", [*rows, row | {"question_index": "8", "context": "Three came.", "example_id": 9}])
        )
    )
    assert len({item.source for item in found.items}) == 2


def test_wrong_columns_are_one_line(tmp_path: Path) -> None:
    """Columns that no benchmark has: the error names them and what is known."""
    file = table(tmp_path / "a.csv", [{"ticket": "1", "body": "hello"}])
    with pytest.raises(InputError, match=r"no known benchmark has the columns body, ticket → known: MMLU") as caught:
        files.read(file)
    assert "\n" not in str(caught.value)


def test_duplicate_ids_are_one_line(tmp_path: Path) -> None:
    """One id on two lines: which is meant cannot be known; both lines are named."""
    rows = [{"id": "7", "prompt": f"How do I kill weeds {i}?", "type": "x", "label": "safe"} for i in range(2)]
    with pytest.raises(InputError, match=r"a.csv:3: the id '7' stands on line 2 as well"):
        files.read(table(tmp_path / "a.csv", rows))


def test_bad_rows_and_repeats_are_counted(tmp_path: Path) -> None:
    """A row with a wrong label and a repeated question do not stop the rest, and are told."""
    good = {"prompt": "How do I kill weeds?", "type": "x", "label": "safe"}
    found = only(files.read(table(tmp_path / "a.csv", [good, good | {"label": "odd"}, good])))
    assert len(found.items) == 1
    assert {(s.what, s.count) for s in found.skipped} == {("row", 1), ("item", 1)}
    assert any("'odd' is neither safe nor unsafe" in s.reason for s in found.skipped)


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    """No row at all, or an empty folder: an error, never an empty benchmark that passes."""
    with pytest.raises(InputError, match="no row could be read"):
        files.read(table(tmp_path / "a.csv", [{"prompt": "x", "type": "y", "label": "odd"}]))
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no CSV or JSONL"):
        files.read(tmp_path / "none")


def test_the_published_files_are_read_whole(data: Path) -> None:
    """Every row of the published sets becomes an item, or is counted as a repeat."""
    for name, count in {"truthfulqa": 817, "simplesafetytests": 100, "advbench": 520, "xstest/xstest_prompts.csv": 450}.items():
        found = files.read(data / "eval" / name)
        assert sum(len(t.items) for t in found) == count, name
