"""Containers: a file as a stream of raw rows, each with the number of the line where it begins."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError, MissingExtra
from wolfnote.records import files, json_values
from wolfnote.records.row import Bad

Raw = tuple[int, object]
"""A line number and the row, or a ``Bad`` that says why there is none."""

NESTED = ("messages", "conversations", "history", "tools")
"""Columns whose cells are JSON when a CSV file has them."""
TEXTS = frozenset((
    "instruction", "input", "output", "system", "history", "prompt", "completion", "response", "question", "answer", "text",
    "chosen", "rejected", "messages", "conversations",
))  # fmt: skip
"""Columns that a row has even where its cell is empty; any other empty cell of a CSV file is no key of its row."""
ROWS_AT_ONCE = 256
LOOK = 512
"""How many bytes of a file of unknown kind are looked at."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def open(file: Path, limit: int, columns: frozenset[str] = frozenset()) -> Iterator[Raw]:
    """The raw rows of a file by its extension. ``limit`` is in bytes a row; ``columns`` are those that the user named.

    Raises ``InputError`` for an extension nobody knows, unless its first byte is that of a JSON object.
    """
    kind = files.suffix(file)
    if kind == ".parquet":
        return _parquet(file)
    return _streamed(file, _reader(file, kind, columns), limit)


def known(file: Path) -> bool:
    """Whether the extension is one of a container."""
    return files.suffix(file) in (*_READERS, ".parquet")


def _reader(file: Path, kind: str, columns: frozenset[str]) -> Callable[[io.BufferedReader, int], Iterator[Raw]]:
    if kind in (".csv", ".tsv"):
        return partial(_table, delimiter="\t" if kind == ".tsv" else ",", keep=TEXTS | columns, where=str(file))
    if kind in _READERS:
        return _READERS[kind]
    with files.open(file) as stream:
        if stream.peek(1)[:LOOK].lstrip().startswith(b"{"):
            return jsonl
    names = ", ".join((*_READERS, ".parquet", ".txt", ".md", ".html"))
    raise InputError(f"unknown kind of file {kind!r}", where=str(file), remedy=f"known: {names}, and all but Parquet with .gz")


def _streamed(file: Path, reader: Callable[[io.BufferedReader, int], Iterator[Raw]], limit: int) -> Iterator[Raw]:
    with files.open(file) as stream:
        yield from reader(stream, limit)


def jsonl(stream: files.Lines, limit: int) -> Iterator[Raw]:
    """The rows of JSONL bytes, each with its line."""
    decode = msgspec.json.Decoder().decode
    for number, line in files.lines(stream, limit):
        if isinstance(line, Bad):
            yield number, line
            continue
        try:
            yield number, decode(line)
        except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
            if line.strip():
                yield number, json_values.fault(line)


def _table(stream: io.BufferedReader, limit: int, *, delimiter: str, keep: frozenset[str], where: str) -> Iterator[Raw]:
    faults: list[Bad] = []
    csv.field_size_limit(limit)  # the module has one limit for all; ours bounds an unclosed quote
    reader = csv.reader(_decoded(files.lines(stream, limit), faults), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            old = "new-line character" in str(error)
            faults.append(Bad("lines end with CR alone → save the file with LF line ends" if old else f"not CSV: {error}"))
            cells = []
        if cells is None:
            return
        if header is None:
            header = _header(cells, faults, f"{where}:{start}")
        elif faults:
            yield start, faults[0]
            faults.clear()
        elif cells:
            yield start, _cells(header, cells, keep)


def _decoded(lines: Iterator[tuple[int, bytes | Bad]], faults: list[Bad]) -> Iterator[str]:
    """Lines of text. Invalid bytes stay visible as surrogates, so that the row that they stand in can be refused."""
    for _, line in lines:
        if isinstance(line, Bad):
            faults.append(line)
            yield "\n"
            continue
        text = line.decode("utf-8", "surrogateescape")
        if not text.isascii() and _SURROGATE.search(text):
            faults.append(Bad("not UTF-8 → save the file as UTF-8"))
        if "\0" in text:
            faults.append(Bad("a NUL byte: not text"))
        yield text.replace("\0", "")


def _header(cells: list[str], faults: list[Bad], where: str) -> list[str] | None:
    if faults:
        reason, _, remedy = str(faults[0]).partition(" → ")
        raise InputError(reason, where=where, remedy=remedy or "the first row must name the columns")
    twice = next((name for i, name in enumerate(cells) if name in cells[:i]), None)
    if twice is not None:
        raise InputError(f"two columns are called {twice!r}", where=where, remedy="rename one of them")
    return cells or None


def _cells(header: list[str], cells: list[str], keep: frozenset[str]) -> dict[str, Any] | Bad:
    if len(cells) != len(header):
        return Bad(f"{len(cells)} cells under {len(header)} columns")
    row: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if cell or name in keep}
    for name in NESTED:
        if str(row.get(name, "")).startswith("["):
            try:
                row[name] = msgspec.json.decode(row[name])
            except (msgspec.DecodeError, RecursionError):
                return Bad(f"the column {name} is not JSON")
    return row


def _parquet(file: Path) -> Iterator[Raw]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra("pyarrow", "audit") from None
    files.open(file).close()  # says in our words that it is missing or not ours to read
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield number, _without_none(row)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if number == 0:
            reason = str(error).splitlines()[0]
            raise InputError(f"not a Parquet file: {reason}", where=str(file), remedy="write it again") from None
        yield number + 1, Bad("the Parquet file is damaged here; what follows could not be read → write it again")


def _without_none(value: Any) -> Any:
    """A column that a row does not have is null in Parquet."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


_READERS: dict[str, Callable[..., Iterator[Raw]]] = {
    ".jsonl": jsonl,
    ".ndjson": jsonl,
    ".json": json_values.read,
    ".csv": _table,
    ".tsv": _table,
}
