"""The Parquet files of an audit: their columns, and how they are written, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wolfnote.errors import MissingExtra, RunError

if TYPE_CHECKING:
    import pyarrow

Columns = dict[str, str]
ROWS: Columns = {
    "row": "int64", "id": "string", "path": "string", "line": "int64", "roles": "string", "origin": "string",
    "unread_by": "string", "unread_why": "string",
}  # fmt: skip
"""``roles`` has a letter a turn, the role's first; ``origin`` is whose the row is (``profile.source``); ``unread_by`` holds
codes of the detectors that could not read it, a blank between; ``unread_why`` each with its reason, ``SPLIT`` between."""
SPLIT = "\x1f"
UNREAD: Columns = {"path": "string", "line": "int64", "reason": "string"}
FLAGS: Columns = {
    "row": "int64", "turn": "int32", "code": "string", "category": "string", "message": "string", "evidence": "string",
    "counts": "bool",
}  # fmt: skip
SCORES: Columns = {
    "row": "int64", "id": "string", "part": "string", "reader": "int32", "code": "string", "category": "string",
    "value": "float64", "flagged": "bool", "known": "bool", "reason": "string",
}  # fmt: skip
"""``reader`` counts the readers from 0; ``value`` is null where one could not read; ``known``: the baseline has it, too."""
DRAWN: Columns = {"row": "int64", "part": "string", "readers": "string"}
"""``readers``: codes of those that read the row, tier 2."""
AT_ONCE = 4096


def schema(columns: Columns) -> pyarrow.Schema:
    """The columns as Arrow has them. Raises ``MissingExtra`` without pyarrow."""
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise MissingExtra("pyarrow", "audit") from None
    return pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in columns.items()])


def table(columns: Columns, rows: Sequence[tuple[Any, ...]]) -> pyarrow.Table:
    """Rows, each a tuple in the order of the columns, as a table."""
    kinds = schema(columns)
    import pyarrow

    by_column = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pyarrow.array(list(values), field.type) for values, field in zip(by_column, kinds, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=kinds)


def write(path: Path, columns: Columns, rows: Iterable[tuple[Any, ...]]) -> Path:
    """Rows into a Parquet file, piece by piece; it has its name only when it is whole."""
    kinds = schema(columns)
    from pyarrow import parquet

    with draft(path) as part, parquet.ParquetWriter(part, kinds, compression="zstd") as out:
        left = iter(rows)
        while some := list(islice(left, AT_ONCE)):
            out.write_table(table(columns, some))
    return path


def write_facts(path: Path, facts: Sequence[dict[str, Any]]) -> None:
    """A survey's facts into a Parquet file; no file where there are none."""
    if not facts:
        return
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(facts), path, compression="zstd")


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Where to write a file that then takes its name by rename. A full disk is one line."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        remedy = "free the disk; the same command goes on from here"
        raise RunError(f"{path}: not written ({error.strerror or error}) → {remedy}") from None
