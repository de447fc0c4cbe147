"""A small task of our own with scripted models: what each arm says is fixed, so what must be recommended is known."""

from __future__ import annotations

import json
from pathlib import Path

COLOURS = ("red", "blue", "green", "grey", "black", "white", "brown", "pink", "gold", "teal")


def tasks(path: Path, n: int = 60, examples: int = 12, score: str = "contains") -> Path:
    """``n`` items that are asked, two a document, and some that are shown."""
    rows = [
        {
            "id": f"q{i}", "question": f"Which colour has lamp number {i}?", "answer": COLOURS[i % 10], "score": score,
            "document": f"lamp{i // 2}.md", "split": "test",
        }
        for i in range(n)
    ]  # fmt: skip
    rows += [
        {"id": f"e{i}", "question": f"Which colour has chair number {i}?", "answer": COLOURS[i % 10], "split": "example"}
        for i in range(examples)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def docs(folder: Path, n: int = 60) -> Path:
    """A document for every two items."""
    folder.mkdir()
    for d in range(n // 2):
        lines = [f"Lamp number {i} has the colour {COLOURS[i % 10]}." for i in (2 * d, 2 * d + 1)]
        (folder / f"lamp{d}.md").write_text(f"# Lamps\n\n{' '.join(lines)}\n")
    return folder


def model(path: Path, right: set[int], n: int = 60) -> str:
    """A model that says the right colour of some lamps and a wrong one of the others, whatever arm asks."""
    lines = [{"question_id": f"advise/q{i}", "answers": [COLOURS[i % 10] if i in right else "purple"]} for i in range(n)]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"answers": ["I do not know."]}]))
    return f"scripted:{path}"
