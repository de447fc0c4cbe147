"""Tasks, documents and retrieval: what is read, what is not, and that each mistake is one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pypdf
import pytest

from wolfnote import InputError
from wolfnote.advise import documents, drafting, retrieval, task
from wolfnote.advise.documents import Passage
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (({"id": "a", "question": "q", "answer": "x"},) * 2, "tasks.jsonl:2: the id 'a' again, first on line 1"),
        (({"id": "a", "question": " "},), "tasks.jsonl:1: an item without question or id"),
        (({"id": "a", "question": "q", "anwser": "x"},), "tasks.jsonl:1: not an item"),
        (({"id": "a", "question": "q", "score": "exact"},), "tasks.jsonl:1: the score exact needs 'answer'"),
        ((), "tasks.jsonl: no items"),
    ],
)
def test_mistakes_in_tasks_are_one_line(tmp_path: Path, rows: tuple[object, ...], says: str) -> None:
    """The line, what is wrong, what to do."""
    with pytest.raises(InputError) as caught:
        task.read(written(tmp_path / "tasks.jsonl", *rows), Settings())
    assert says in str(caught.value)
    assert " → " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_examples_share_no_document_with_what_is_asked() -> None:
    """Drawn by document; an example that is marked although its document is asked about is dropped and counted."""
    items = [Item(f"i{i}", "q", "x", document=f"d{i // 4}") for i in range(400)]
    drawn = task.split(items, Settings())
    assert not {i.group for i in drawn.asked} & {i.group for i in drawn.examples}
    assert 60 < len(drawn.examples) < 180
    marked = [Item("a", "q", "x", document="d", split="test"), Item("b", "q", "x", document="d", split="example")]
    found = task.split(marked, Settings())
    assert found.examples == []
    assert found.skipped[0].count == 1


def test_what_has_no_text_is_named(tmp_path: Path) -> None:
    """An empty file, a PDF of images, a damaged PDF, the same text twice, a link out of the folder: one line each."""
    kb = tmp_path / "kb"
    kb.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (kb / "a.md").write_text("# Returns\n\nShoes may be returned within 30 days.\n")
    (kb / "b.md").write_text("# Returns\n\nShoes may be returned within 30 days.\n")
    (kb / "empty.md").write_text("")
    (kb / "page.html").write_text("<p>Lamps are <b>red</b>.</p><script>no()</script>")
    (kb / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (kb / "out.txt").symlink_to(tmp_path / "secret.txt")
    scan = pypdf.PdfWriter()
    scan.add_blank_page(100, 100)
    scan.write(kb / "scan.pdf")
    found = documents.read(kb, 800)
    reasons = {s.what.removeprefix("document "): s.reason for s in found.skipped}
    assert reasons["empty.md"] == "the file is empty"
    assert reasons["b.md"] == "the same text as a.md"
    assert "a PDF of images: no text on its 1 page" in reasons["scan.pdf"]
    assert "not a readable PDF" in reasons["broken.pdf"]
    assert "leads out" in reasons["out.txt"]
    assert [p.text for p in found.passages if p.document == "page.html"] == ["Lamps are red."]
    with pytest.raises(InputError, match=r"no document could be read \(empty.md: the file is empty\)"):
        documents.read(kb / "empty.md", 800)


def test_passages_are_short_whole_and_under_their_heading() -> None:
    """Nothing longer than asked for, no word lost, the heading with its paragraphs."""
    text = "# Returns\n\n" + "\n\n".join(f"Rule {i} says " + "word " * 30 for i in range(10)) + "\n\n# Stock\n\nNone."
    found = list(documents.pieces(text, 300))
    assert all(len(piece) <= 300 for piece in found)
    assert all(sum(f"Rule {i} says" in piece for piece in found) == 1 for i in range(10))
    assert all(piece.startswith(("# Returns", "# Stock")) for piece in found)


@pytest.mark.parametrize("make", [retrieval._sqlite, retrieval._sparse])
def test_retrieval_finds_what_is_there_and_only_that(make: object) -> None:
    """Both indexes: the passage with the question's words first; a question of other words, or with quotes and operators in it,
    finds nothing and breaks nothing."""
    passages = [
        Passage(f"d{i}#1", f"d{i}", f"The lamp called {name} is red.") for i, name in enumerate(("anna", "bert", "carl"))
    ]
    search = make(passages)  # type: ignore[operator]
    assert search("What colour is bert?", 1)[0].document == "d1"
    assert search("zebra", 3) == []
    assert search('" OR NOT ) NEAR(* --', 3) == []


def test_whether_the_gold_passage_was_found() -> None:
    """By its words where they are named, else by its document; untold where neither is."""
    shown = [Passage("d#1", "d", "Shoes may be returned, within 30 days.")]
    assert retrieval.found(Item("i", "q", passage="returned within 30 days"), shown) is True
    assert retrieval.found(Item("i", "q", passage="within 60 days"), shown) is False
    assert retrieval.found(Item("i", "q", document="e"), shown) is False
    assert retrieval.found(Item("i", "q"), shown) is None


def test_the_prompt_is_drafted_from_what_right_answers_look_like() -> None:
    """Labels are listed, keys named, numbers asked for; without examples, the goal alone."""
    labels = [Item(f"{i}", "q", ("delivery", "refund")[i % 2]) for i in range(8)]
    assert "exactly one of these and nothing else: delivery, refund" in drafting.draft("Sort.", labels, [])
    objects = [Item("1", "q", '{"order": 1, "item": "x"}')]
    assert "Its keys: order, item." in drafting.draft("", objects, [])
    assert "a number and nothing else" in drafting.draft("", [Item("1", "q", "12"), Item("2", "q", "7.5")], [])
    assert drafting.draft("Be kind.", [], []) == "Be kind."
