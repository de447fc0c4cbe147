"""From samples to a file, whole or not at all; what a format cannot hold is an error that names the sample."""

from __future__ import annotations

import csv
import gzip
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from wolfnote.errors import InputError, MissingExtra
from wolfnote.records import files, shapes
from wolfnote.records.row import Bad, Sample
from wolfnote.records.shapes.shape import Shape

Dumped = dict[str, Any]
ROWS_AT_ONCE = 1024


def write(samples: Iterable[Sample], path: str | Path, format: str = "openai") -> int:
    """Write samples as rows of ``format`` into the container that the extension names; return how many.

    ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv`` (each also ``.gz``) or ``.parquet``. The file appears when it is
    whole; until then whatever was there stays. A table's cells are text: of a number, a CSV file gives back its digits.
    Raises ``InputError`` for an unknown format or extension, a folder that is not there, no samples at all, and the first
    sample that the format or container cannot carry.
    """
    target = Path(path)
    shape = shapes.FORMATS.get(format)
    if shape is None:
        raise InputError(f"no format {format!r}", where="--to", remedy="known: " + ", ".join(sorted(shapes.FORMATS)))
    put = _WRITERS.get(files.suffix(target))
    if put is None or (put is _parquet and target.name.lower().endswith(".gz")):
        raise InputError("unknown kind of file to write", where=str(path), remedy="known: " + ", ".join(_WRITERS))
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        n = put(_dumped(samples, shape), draft, target)
        if n == 0:
            raise InputError("no samples to write", where=str(path), remedy="give at least one")
        draft.replace(target)
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise InputError(reason, where=str(path), remedy="choose another place") from None
    finally:
        draft.unlink(missing_ok=True)
    return n


def _dumped(samples: Iterable[Sample], shape: Shape) -> Iterator[tuple[Sample, Dumped]]:
    for sample in samples:
        try:
            yield sample, shapes.dump(shape, sample)
        except Bad as bad:
            raise _refused(sample, shape.name, str(bad)) from None


def _refused(sample: Sample, form: str, why: str) -> InputError:
    reason, _, remedy = why.partition(" → ")
    where = sample.source or f"sample {sample.id}"
    return InputError(f"{form} cannot carry this row: {reason}", where=where, remedy=remedy or "choose another --to")


def _open(draft: Path, target: Path) -> IO[bytes]:
    packed = target.name.lower().endswith(".gz")
    return cast("IO[bytes]", gzip.open(draft, "wb") if packed else draft.open("wb"))


def _lines(rows: Iterator[tuple[Sample, Dumped]], draft: Path, target: Path) -> int:
    with _open(draft, target) as out:
        return _encode(rows, out, b"", b"\n")


def _array(rows: Iterator[tuple[Sample, Dumped]], draft: Path, target: Path) -> int:
    with _open(draft, target) as out:
        out.write(b"[\n")
        n = _encode(rows, out, b",\n", b"")
        out.write(b"\n]\n")
        return n


def _encode(rows: Iterable[tuple[Sample, Dumped]], out: IO[bytes], between: bytes, after: bytes) -> int:
    encode = msgspec.json.Encoder().encode
    n = 0
    for sample, row in rows:
        try:
            line = encode(row)
        except (TypeError, UnicodeEncodeError, OverflowError) as error:
            raise _refused(sample, "JSON", str(error)) from None
        out.write((between if n else b"") + line + after)
        n += 1
    return n


def _table(rows: Iterator[tuple[Sample, Dumped]], draft: Path, target: Path) -> int:
    """Two passes over a spooled copy: the header names every column that any row has."""
    columns: dict[str, None] = {}

    def seen() -> Iterator[tuple[Sample, Dumped]]:
        for sample, row in rows:
            columns.update(dict.fromkeys(row))
            yield sample, {name: _cell(value, name, sample) for name, value in row.items()}

    with tempfile.TemporaryFile() as spool:
        n = _encode(seen(), spool, b"", b"\n")
        spool.seek(0)
        with _open(draft, target) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as out:
            delimiter = "\t" if files.suffix(target) == ".tsv" else ","
            table = csv.DictWriter(out, list(columns), delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
            table.writeheader()
            table.writerows(map(msgspec.json.decode, spool))
    return n


def _cell(value: object, name: str, sample: Sample) -> str:
    if isinstance(value, str):
        if "\0" in value:
            raise _refused(sample, "CSV", "a NUL character")
        return value
    if isinstance(value, list) and name in ("prompt", "completion", "chosen", "rejected"):
        raise _refused(sample, "CSV", f"{name} is a list of messages → write .jsonl")
    return "" if value is None else msgspec.json.encode(value).decode()


def _parquet(rows: Iterator[tuple[Sample, Dumped]], draft: Path, target: Path) -> int:
    """Two passes over a spooled copy: the schema is the union of what the rows hold."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtra("pyarrow", "audit") from None
    with tempfile.TemporaryFile() as spool:
        n = _encode(rows, spool, b"", b"\n")
        try:
            schema = pyarrow.schema([])
            for batch in _batches(spool):
                found = pyarrow.RecordBatch.from_pylist(batch).schema
                schema = pyarrow.unify_schemas([schema, found], promote_options="permissive")
            with parquet.ParquetWriter(draft, schema) as table:
                for batch in _batches(spool):
                    table.write_batch(pyarrow.RecordBatch.from_pylist(batch, schema))
        except (pyarrow.ArrowException, OverflowError) as error:
            why = str(error).splitlines()[0]
            raise InputError(f"Parquet cannot hold these rows: {why}", where=str(target), remedy="write .jsonl") from None
    return n


def _batches(spool: IO[bytes]) -> Iterator[list[Dumped]]:
    spool.seek(0)
    batch: list[Dumped] = []
    for line in spool:
        batch.append(msgspec.json.decode(line))
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


_WRITERS: dict[str, Callable[[Iterator[tuple[Sample, Dumped]], Path, Path], int]] = {
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _array,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
}
