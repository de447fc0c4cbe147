"""What a log says, whatever tool wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.errors import InputError
from wolfnote.results import Skipped

SIZE = 1 << 31
"""Bytes of a log file at most."""


class Entry(NamedTuple):
    """One item's value in [0, 1]; ``asked`` hashes the whole prompt and the right answer, "" where the log keeps neither.

    Items with the same ``source`` are no independent evidence: repeats of one document. ``chance`` is what guessing gives, as
    far as the log tells.
    """

    value: float
    asked: str
    source: str
    chance: float = 0.0


class Log(NamedTuple):
    """Values by task, measure and document. ``conditions``: what must be alike for a task to be comparable, by name.

    The first measure of a task is the one that its authors put first; ``lower``: titles of measures of which less is better.
    """

    path: Path
    tool: str
    values: dict[str, dict[str, dict[str, Entry]]]
    conditions: dict[str, dict[str, str]]
    lower: frozenset[str] = frozenset()
    skipped: tuple[Skipped, ...] = ()


def number(value: Any) -> float | None:
    """A score in [0, 1] (true and false are 1 and 0), or None for anything else."""
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def digest(value: Any) -> str:
    """16 hex digits of a value's JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def load(file: Path) -> Any:
    """A JSON file. Raises ``InputError`` when it is none."""
    try:
        if file.stat().st_size > SIZE:
            raise InputError("too large to be read", where=str(file), remedy="split the log by task")
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable JSON ({error})", where=str(file), remedy="run that evaluation again") from None


def lines(file: Path) -> Iterable[tuple[int, Any]]:
    """The lines of a JSONL file with their numbers; one that is not JSON comes as None."""
    try:
        with file.open(encoding="utf-8") as stream:
            for at, line in enumerate(stream, 1):
                if line.strip():
                    yield at, _decoded(line)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"not readable ({error})", where=str(file), remedy="run that evaluation again") from None


def _decoded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
