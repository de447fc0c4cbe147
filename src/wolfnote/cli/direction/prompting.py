"""What a model is asked while it is listened to: the prompts of the user's rows, or Wolfnote's unrelated questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wolfnote.errors import InputError
from wolfnote.results import Skipped

if TYPE_CHECKING:
    from wolfnote.models import Conversation

MOST = 60
"""Prompts that are asked; the first of a longer file."""


def prompts(path: Path | None) -> tuple[list[Conversation], list[Skipped]]:
    """The prompts, and what of the file was not taken. Raises ``InputError`` for rows that hold no prompt."""
    from wolfnote import records
    from wolfnote.probe.question import unrelated

    if path is None:
        return [records.chat(q.text) for q in unrelated(MOST)], []
    samples, unread = records.read_all(path)
    found = list(dict.fromkeys(s.prompt for s in samples if s.prompt))
    if not found:
        raise InputError("no row has a prompt", where=str(path), remedy="give chat rows, or rows with a prompt column")
    left = [Skipped("row", row.reason) for row in unread[:MOST]]
    if len(found) > MOST:
        left.append(Skipped("prompt", f"not asked: the first {MOST} were", len(found) - MOST))
    return found[:MOST], left
