"""The four scenarios that we wrote: enough items, nothing that is asked is among examples or training rows, the same each time."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from wolfnote.advise import documents, retrieval, style, task
from wolfnote.advise.settings import Settings

FILE = Path(__file__).parents[2] / "examples" / "advise" / "scenarios.py"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Any = importlib.util.spec_from_file_location("scenarios", FILE)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("scenarios")
    module.write(folder)
    return folder


@pytest.mark.parametrize("name", ["facts", "format", "voice", "labels"])
def test_enough_is_asked_and_nothing_of_it_is_shown(home: Path, name: str) -> None:
    """120 items or more that are asked, whose questions stand in no example and in no training row."""
    tasks = task.read(home / name / "tasks.jsonl", Settings())
    assert len(tasks.asked) >= 120
    assert tasks.examples
    asked = {item.question for item in tasks.asked}
    assert not asked & {item.question for item in tasks.examples}
    rows = [json.loads(line) for line in (home / name / "train.jsonl").read_text().splitlines()]
    assert not asked & {row["messages"][0]["content"] for row in rows}
    assert documents.read(home / name / "docs", 800).passages


def test_the_facts_can_be_found(home: Path) -> None:
    """Recall@3 of the gold passages is all there is: what the RAG arms miss is not retrieval's fault."""
    library = documents.read(home / "facts" / "docs", 800)
    search = retrieval.over(library.passages)
    items = task.read(home / "facts" / "tasks.jsonl", Settings()).asked
    assert all(retrieval.found(item, search(item.question, 3)) for item in items)


def test_the_brand_can_be_heard(home: Path) -> None:
    """Samples are told from questions and notes without their content."""
    samples = (home / "voice" / "brand.txt").read_text().strip().split("\n\n")
    items = task.read(home / "voice" / "tasks.jsonl", Settings()).asked
    others = [item.question for item in items] + [p.text for p in documents.read(home / "voice" / "docs", 800).passages]
    found = style.fit(samples, others)
    assert isinstance(found, style.Style)
    assert found.area > 0.95
