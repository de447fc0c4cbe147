"""A finished audit's folder, as the engine leaves it, with as many rows, flags and labels as a test wants."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from wolfnote import Finding, Message, Result, Verdict, records
from wolfnote import settings as settings_module
from wolfnote.audit import columns, gate, labels, ledger
from wolfnote.audit.labels import Label
from wolfnote.folder import RunFolder, content_hash
from wolfnote.records import Sample

AT = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC).isoformat()


class Author(settings_module.msgspec.Struct, frozen=True):
    """What the audit's own table says of who made the data."""

    author: str = ""


def rows(path: Path, n: int) -> list[Sample]:
    records.write([records.sample((Message("user", f"q{i}"), Message("assistant", f"a{i}"))) for i in range(n)], path)
    return records.read_all(path)[0]


def audited(
    folder: Path,
    n: int = 40,
    drawn: int = 20,
    *,
    flagged: Mapping[int, str] | None = None,
    author: str = "",
    preset: str = "",
) -> tuple[Path, list[Sample]]:
    """The run folder and the rows: ``flagged`` maps a row's number to a code; the first ``drawn`` rows are the random draw."""
    data = folder / "tickets.jsonl"
    every = rows(data, n)
    run = folder / "run"
    found = tuple(
        Finding(code, "warning", "hostile words", every[i].source, every[i].answer) for i, code in (flagged or {}).items()
    )
    kinds = settings_module.with_policy("audit", Author, gate=gate.Settings)
    chosen = [f"audit.author={author!r}", f"gate.preset={preset!r}", f"gate.looks=[{drawn}, {drawn + 20}]"]
    with RunFolder.hold(run, settings_module.load(kinds, overrides=chosen), {"data": content_hash(data)}) as held:
        held.note(data=[str(data)])
        tables = {"coverage": "tables/coverage.parquet"}
        (run / "tables").mkdir()
        columns.write(
            run / tables["coverage"],
            columns.ROWS,
            [(i, row.id, str(data), i + 1, "ua", "tickets.jsonl") for i, row in enumerate(every)],
        )
        held.write("draw.jsonl", "".join(line(row, "random") for row in every[:drawn]) + line(every[-1], "risk"))
        held.finish(Result("audit", Verdict.INCONCLUSIVE, ("made by a test",), findings=found, tables=tables))
    ledger.append(run, "audit", "Mara", rows=n)
    return run, every


def line(row: Sample, part: str) -> str:
    shown = {"row": row.id, "source": row.source, "part": part, "messages": row.messages, "rejected": []}
    return records.writing.msgspec.json.encode(shown).decode() + "\n"


def judge(run: Path, reviewer: str, said: Mapping[str, Sequence[str]], *, adjudicated: bool = False) -> None:
    """Labels of one person: row id → categories."""
    labels.journal(run).append([Label(row, reviewer, tuple(c), at=AT, adjudicated=adjudicated) for row, c in said.items()])
