"""A finished audit's folder, as the engine leaves it, with as many rows, flags and labels as a test wants."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import Message, records
from wolfnote import settings as settings_module
from wolfnote.audit import columns, counted, gate, labels, ledger, recomputing, scan, scores
from wolfnote.audit.deciding import Rules
from wolfnote.audit.labels import Label
from wolfnote.audit.scores import Instruments
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
    kinds = settings_module.with_policy("audit", Author, gate=gate.Settings)
    chosen = [f"audit.author={author!r}", f"gate.preset={preset!r}", f"gate.looks=[{drawn}, {drawn + 20}]"]
    settings: Any = settings_module.load(kinds, overrides=chosen)
    with RunFolder.hold(run, settings, {"data": content_hash(data)}) as held:
        held.note(data=[str(data)])
        held.write("draw.jsonl", "".join(line(row, "random") for row in every[:drawn]) + line(every[-1], "risk"))
        instruments = Instruments(datetime.date.today(), {"WN102": "hostility"})
        tables(run, every, drawn, flagged or {}, instruments)
        rules = Rules(settings.gate, settings.policy, "", instruments.today)
        held.finish(recomputing.result(run, instruments, rules))
    ledger.append(run, "audit", "Mara", rows=n)
    return run, every


def tables(run: Path, every: Sequence[Sample], drawn: int, flagged: Mapping[int, str], instruments: Instruments) -> None:
    """What the engine leaves: every row, the flags, no score."""
    found = counted.Tables(run)
    found.findings.parent.mkdir()
    places = [(i, row.id, *scan.place(row.source)) for i, row in enumerate(every)]
    parts = ["random" if i < drawn else "risk" if i == len(every) - 1 else "" for i in range(len(every))]
    columns.write(
        found.coverage,
        COVERAGE,
        [(*p, True, "", "", part, False, "", "tickets.jsonl", "") for p, part in zip(places, parts, strict=True)],
    )
    said = [
        (*places[i], 1, code, "hostility", "hostile words", every[i].answer, True, False, "assistant")
        for i, code in sorted(flagged.items())
    ]
    columns.write(found.findings, FINDINGS, said)
    scores.write(found.scores, [], [], [])
    (found.findings.parent / scores.FILE).write_bytes(msgspec.json.encode(instruments))


FINDINGS = {
    "row": "int64", "id": "string", "path": "string", "line": "int64", "turn": "int32", "code": "string", "category": "string",
    "message": "string", "evidence": "string", "counts": "bool", "known": "bool", "role": "string",
}  # fmt: skip
COVERAGE = {
    "row": "int64", "id": "string", "path": "string", "line": "int64", "tier_1": "bool", "unread_by": "string",
    "unread_why": "string", "draw": "string", "tier_2": "bool", "read_by": "string", "origin": "string", "reason": "string",
}  # fmt: skip


def line(row: Sample, part: str) -> str:
    shown = {"row": row.id, "source": row.source, "part": part, "messages": row.messages, "rejected": []}
    return records.writing.msgspec.json.encode(shown).decode() + "\n"


def judge(run: Path, reviewer: str, said: Mapping[str, Sequence[str]], *, adjudicated: bool = False) -> None:
    """Labels of one person: row id → categories."""
    labels.journal(run).append([Label(row, reviewer, tuple(c), at=AT, adjudicated=adjudicated) for row, c in said.items()])
