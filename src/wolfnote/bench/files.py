"""Benchmarks in the user's files: a CSV or JSONL file, or a folder of them, in the shapes that ``shapes`` knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wolfnote.bench import shapes
from wolfnote.bench.shapes import Parsed, Shape
from wolfnote.bench.task import Task, unique
from wolfnote.errors import InputError
from wolfnote.records import sources
from wolfnote.records.row import Bad
from wolfnote.results import Skipped

LIMIT = 1 << 20
"""Bytes of one row."""
COLUMNS = frozenset().union(*(shape.columns for shape in shapes.SHAPES))


def read(path: Path) -> list[Task]:
    """The tasks in a file or folder; XSTest makes two, one to be refused and one to be answered.

    Rows that cannot be read are counted in ``Task.skipped``. Raises ``InputError`` for columns that no shape has, for two rows
    with one id, and where no row could be read.
    """
    files = sorted(f for f in path.rglob("*") if sources.known(f)) if path.is_dir() else [path]
    if not files:
        raise InputError("no CSV or JSONL file in this folder", where=str(path), remedy=f"known: {shapes.known()}")
    parsed: list[Parsed] = []
    bad: Counter[str] = Counter()
    for file in files:
        found = list(_file(file, bad))
        _distinct(file, found)
        parsed += [item for _, item in found]
    if not parsed:
        reason = next(iter(bad), "the file is empty")
        raise InputError(f"no row could be read; first: {reason}", where=str(path), remedy=f"known: {shapes.known()}")
    return _tasks(parsed, bad)


def _tasks(parsed: list[Parsed], bad: Counter[str]) -> list[Task]:
    groups: dict[str, list[Parsed]] = {}
    for row in parsed:
        groups.setdefault(row.task, []).append(row)
    unread = tuple(Skipped("row", reason, count) for reason, count in bad.items())
    tasks: list[Task] = []
    for name, rows in groups.items():
        first = rows[0]
        task = Task(name, first.kind, first.form, tuple(row.item for row in rows), first.declared, () if tasks else unread)
        tasks.append(unique(task))
    return tasks


def _file(file: Path, bad: Counter[str]) -> Iterator[tuple[int, Parsed]]:
    """Line and item of every row; the first row says which shape the file has."""
    shape: Shape | None = None
    header: tuple[str, ...] = ()
    for line, row in sources.open(file, LIMIT, COLUMNS):
        if isinstance(row, Bad) or not isinstance(row, dict):
            bad[f"{file.name}: {row if isinstance(row, Bad) else 'not an object'}"] += 1
            continue
        if shape is None:
            header = _headerless(row)
            shape = _shape(file, row, header)
            if header:
                yield from _parse(shape, file, 1, _renamed(header), bad)
        yield from _parse(shape, file, line, _renamed(tuple(row.values())) if header else row, bad)


def _parse(shape: Shape, file: Path, line: int, row: Mapping[str, Any], bad: Counter[str]) -> Iterator[tuple[int, Parsed]]:
    try:
        if missing := sorted(shape.columns - row.keys()):
            raise Bad(f"no column {missing[0]}")
        yield line, shape.parse(row, file.name.partition(".")[0])
    except Bad as error:
        bad[f"{file.name}: {error}"] += 1


def _shape(file: Path, row: Mapping[str, Any], header: tuple[str, ...]) -> Shape:
    found = shapes.find(frozenset(_renamed(header) if header else row))
    if found is None:
        names = ", ".join(sorted(map(str, row)))[:200]
        raise InputError(f"no known benchmark has the columns {names}", where=str(file), remedy=f"known: {shapes.known()}")
    return found


def _headerless(row: Mapping[str, Any]) -> tuple[str, ...]:
    """MMLU as first published has no header: its first row, question, four choices and a letter, is what names the columns."""
    names = tuple(row)
    return names if len(names) == 6 and names[-1] in ("A", "B", "C", "D") else ()


def _renamed(cells: tuple[Any, ...]) -> dict[str, Any]:
    names = ("question", "choice0", "choice1", "choice2", "choice3", "answer")
    return dict(zip(names, cells, strict=False))


def _distinct(file: Path, rows: list[tuple[int, Parsed]]) -> None:
    """Raise ``InputError`` where a file gives one id to two rows: which of them is meant cannot be known."""
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows:
        key = (row.task, row.own_id)
        if row.own_id and key in seen:
            message = f"the id {row.own_id!r} stands on line {seen[key]} as well"
            raise InputError(message, where=f"{file}:{line}", remedy="give each row an id of its own")
        seen[key] = line
