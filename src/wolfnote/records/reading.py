"""From a path to samples, one row at a time: what could not be read comes out as ``Unread``, in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.errors import InputError, SettingsError
from wolfnote.records import documents, mapping, shapes, sources
from wolfnote.records.row import FORM, Bad, Sample, Unread, build
from wolfnote.records.shapes.shape import Content

FEW = 5
PART_OF_THE_TASK = ("tools", "functions", "parallel_tool_calls")
"""Keys beside the messages that say what the model may call: never dropped."""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read rows: the table ``[data]`` of a settings file. The defaults read every known shape as it is.

    Raises ``SettingsError`` when ``format`` or a column's part is not one of the known ones.
    """

    format: str = "auto"
    """``auto``, or one of the shapes: a row of another is then unread."""
    columns: dict[str, str] = {}
    """Column → ``system``, ``user``, ``assistant`` where a row is a ticket; ``role``, ``content``, ``thread`` where it is one
    message. A dotted name reaches into nested objects; several columns of one part are joined by an empty line."""
    roles: dict[str, str] = {}
    """What the data call a role → ``system``, ``user``, ``assistant`` or ``tool``."""
    turns: str = ""
    """The key that holds a ticket's list of turns, when each row is a whole thread."""
    row_limit: int = 4 << 20
    """Bytes of one row; a longer one is skipped unread, and never held in memory."""
    metadata: bool = True
    """Keep the keys that are not part of a shape. Some providers refuse rows that have any."""

    def check(self) -> None:
        """Raise ``SettingsError`` for a value that names nothing."""
        if self.format != "auto" and self.format not in shapes.FORMATS:
            raise SettingsError(f"no format {self.format!r}", where="data.format", remedy="known: " + known_formats())
        if self.row_limit < 1:
            raise SettingsError("no row fits into that", where="data.row_limit", remedy="give bytes, such as 4194304")
        mapping.check(self.columns, self.roles, self.turns)


class Row(NamedTuple):
    """A row and the shape that it was read as: what a provider's rules on formats need to see."""

    item: Sample | Unread
    shape: str = ""


def read(path: str | Path, reading: Reading = Reading()) -> Iterator[Sample | Unread]:  # noqa: B008 - frozen
    """Stream the rows of a file or folder, in order; each is a ``Sample``, or an ``Unread`` with its place and reason.

    Shapes: OpenAI chat, ShareGPT, Alpaca, prompt and completion, preference pairs, text, or mapped columns. Containers:
    JSONL, JSON, CSV, TSV, Parquet, plain or gzipped; text, Markdown and HTML; a folder of source files. Memory stays
    within a few ``row_limit``. Raises ``InputError`` when the path is missing, unreadable, of an unknown kind, or empty.
    """
    for row in rows(path, reading):
        yield row.item


def rows(path: str | Path, reading: Reading = Reading()) -> Iterator[Row]:  # noqa: B008 - frozen
    """``read``, each item with the name of its shape."""
    reading.check()
    file = Path(path)
    if file.is_dir():
        yield from _folder(file, reading)
        return
    yield from _file(file, reading)


def read_all(
    path: str | Path,
    *more: str | Path,
    reading: Reading = Reading(),  # noqa: B008 - frozen
) -> tuple[list[Sample], list[Unread]]:
    """All of ``read`` at once, samples and unread rows apart. Raises ``InputError`` when no row of a path could be read."""
    samples: list[Sample] = []
    unread: list[Unread] = []
    for each in (path, *more):
        before = len(samples), len(unread)
        for row in read(each, reading):
            (samples if isinstance(row, Sample) else unread).append(row)  # type: ignore[arg-type]  # told apart just now
        if len(samples) == before[0]:
            raise nothing_read(unread[before[1] :], len(unread) - before[1])
    return samples, unread


def readable(path: str | Path, reading: Reading = Reading()) -> None:  # noqa: B008 - frozen
    """Look for the first row that can be read. Raises ``InputError`` when there is none."""
    first, n = None, 0
    for row in read(path, reading):
        if isinstance(row, Sample):
            return
        first, n = first or row, n + 1
    if first is not None:
        raise nothing_read([first], n)


def nothing_read(unread: list[Unread], n: int) -> InputError:
    """The error that says that not one row was readable, and why the first was not."""
    reason, _, remedy = unread[0].reason.partition(" → ")
    message = f"none of {n} rows could be read; first: {reason}"
    return InputError(message, where=unread[0].source, remedy=remedy or "wolfnote convert --help shows the shapes that can be")


def known_formats() -> str:
    """The names of the shapes, for a remedy."""
    return ", ".join(sorted(shapes.FORMATS))


def _file(file: Path, reading: Reading) -> Iterator[Row]:
    if documents.is_running_text(file):
        yield Row(documents.read(file, reading.row_limit), "text")
        return
    empty = True
    for row in _table(file, reading):
        empty = False
        yield row
    if empty:
        raise InputError("the file is empty", where=str(file), remedy="give a file with at least one row")


def _table(file: Path, reading: Reading) -> Iterator[Row]:
    return items(file, sources.open(file, reading.row_limit, frozenset(reading.columns)), reading)


def items(file: Path, raws: Iterator[sources.Raw], reading: Reading) -> Iterator[Row]:
    """Raw rows of a file as samples, or as unread ones with their reason."""
    found = mapping.threads(raws, reading) if mapping.is_messages(reading) else _rows(raws, reading)
    name = documents.named(file)
    for line, shape, content in found:
        place = f"{name}:{line}"
        if isinstance(content, Bad):
            yield Row(Unread(place, str(content)), shape)
            continue
        metadata = content.metadata if reading.metadata else _task(content.metadata)
        yield Row(build(content.messages, place, content.rejected, metadata), shape)


def _rows(raws: Iterator[sources.Raw], reading: Reading) -> Iterator[tuple[int, str, Content | Bad]]:
    forced = shapes.FORMATS.get(reading.format)
    mapped = bool(reading.columns or reading.turns)
    for line, row in raws:
        name = ""
        try:
            if isinstance(row, Bad):
                raise row
            if not isinstance(row, dict):
                raise Bad(f"no object with keys and values (found: {type(row).__name__})")
            if mapped:
                name, content = "mapped", mapping.ticket(row, reading)
            else:
                shape = forced or shapes.of(row)
                if forced and not forced.recognises(row):
                    raise Bad(f"not a row of the format {forced.name} (columns {', '.join(list(row)[:FEW])})")
                name, content = shape.name, shapes.parse(shape, row)
        except Bad as bad:
            yield line, name, bad
            continue
        except Exception as error:  # rows are hostile, and a million do not go unread for one that no shape foresaw
            yield line, name, Bad(f"cannot be taken for a row ({type(error).__name__})")
            continue
        yield line, name, content


def _task(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata without what is no part of the task; the notes on the form keep only what says where things stood."""
    kept = {key: metadata[key] for key in PART_OF_THE_TASK if key in metadata}
    notes = {key: value for key, value in metadata.get(FORM, {}).items() if key not in ("turns", "rejected_turns")}
    return kept | ({FORM: notes} if notes else {})


def _folder(folder: Path, reading: Reading) -> Iterator[Row]:
    files = documents.listed(folder)
    if not files:
        raise InputError("the folder holds no files", where=str(folder), remedy="give a folder with data or source files")
    for file in files:
        yield from of_folder(folder, file, reading)


def of_folder(folder: Path, file: Path, reading: Reading) -> Iterator[Row]:
    """The rows of one file of a folder; one that cannot be opened is an unread row, and no error."""
    fault = documents.fault(folder, file)
    if fault:
        yield Row(Unread(f"{documents.named(file)}:1", fault))
        return
    try:
        yield from _file(file, reading)
    except InputError as error:
        reason = f"{error.message} → {error.remedy}" if error.remedy else error.message
        yield Row(Unread(f"{documents.named(file)}:1", reason))
