"""Parquet files of an audit, asked by SQL: DuckDB reads them from the disk, and what it cannot hold it puts there too."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wolfnote.errors import MissingExtra, RunError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "140MB"
"""What DuckDB may hold; joins and sorts of more spill to the disk."""
AT_ONCE = 2048
"""Rows fetched at once."""


@contextmanager
def tables(**files: Sequence[Path]) -> Iterator[DuckDBPyConnection]:
    """A connection in which each name is a view of its Parquet files. Raises ``MissingExtra`` without DuckDB,
    ``RunError`` for a file that is gone or damaged, and for a full disk."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise MissingExtra("duckdb", "audit") from None
    with _spill(files) as spill, duckdb.connect(":memory:") as connection:
        for setting, value in (("memory_limit", MEMORY), ("temp_directory", spill), ("threads", "2")):
            quoted = str(value).replace("'", "''")  # the folder's name is the user's
            connection.execute(f"SET {setting} = '{quoted}'")
        connection.execute("SET enable_progress_bar = false")
        try:
            for name, paths in files.items():
                connection.read_parquet([str(path) for path in paths]).create_view(name)
            yield connection
        except duckdb.Error as error:  # a file that is gone or damaged, a full disk
            raise RunError(f"the audit's tables could not be used: {str(error).splitlines()[0]}") from None


@contextmanager
def _spill(files: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """A folder for what DuckDB cannot hold; no TemporaryDirectory, which warns when a stream of rows is dropped half read."""
    folder = tempfile.mkdtemp(prefix=".spill-", dir=_beside(files))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _beside(files: Mapping[str, Sequence[Path]]) -> Path | None:
    """Where to spill: by the first of the files, for a run's disk is larger than /tmp; elsewhere if nobody may write there."""
    first = next((path.parent for paths in files.values() for path in paths), None)
    return first if first is not None and first.is_dir() and os.access(first, os.W_OK) else None


def query(sql: str, facts: Sequence[Path]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query over the view ``facts``; none where there are no files."""
    if not facts:
        return
    with tables(facts=facts) as connection:
        yield from rows(connection, sql)


def rows(connection: DuckDBPyConnection, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, fetched piece by piece."""
    found = connection.execute(sql)
    while some := found.fetchmany(AT_ONCE):
        yield from some
