"""A drawn run on disk, as the engine leaves it: ``drawn(folder, 20)``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def row(number: int, *, part: str = "random", answer: str = "", **more: Any) -> dict[str, Any]:
    """One line of draw.jsonl."""
    turns = [
        {"role": "user", "content": f"Question {number}: how long do I boil an egg?"},
        {"role": "assistant", "content": answer or f"About {6 + number % 4} minutes."},
    ]
    return {"row": f"{number:016x}", "source": f"rows.jsonl:{number + 1}", "part": part, "messages": turns, **more}


def drawn(folder: Path, rows: int | list[dict[str, Any]], risk: int = 0) -> Path:
    """A folder with that many random rows, and ``risk`` more that detectors picked."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, int):
        rows = [row(i, part="random" if i < rows else "risk") for i in range(rows + risk)]
    (folder / "draw.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return folder
