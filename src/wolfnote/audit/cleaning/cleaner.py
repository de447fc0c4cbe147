"""The pass over the data: one row at a time, in order, each to one place."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from wolfnote import records
from wolfnote.audit import manifest, profile
from wolfnote.audit.cleaning.account import CHANGES, QUARANTINE, UNREAD, Account
from wolfnote.audit.cleaning.decision import Outcome, Settings, decide
from wolfnote.audit.cleaning.flagged import Flags
from wolfnote.events import Event, OnEvent, silent
from wolfnote.records import FORMATS, Message, Reading, Sample, Unread, shapes
from wolfnote.records.files import suffix
from wolfnote.records.row import Bad
from wolfnote.results import Result
from wolfnote.settings import Policy

WRITABLE = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
EVERY = 10_000
"""Rows between two events."""


class Evidence(NamedTuple):
    """What is known against the rows: flags by place, what people settled and what the user corrects by row id."""

    flags: Flags
    settled: Mapping[str, Sequence[str]]
    corrections: Mapping[str, tuple[Message, ...]]


class Rules(NamedTuple):
    """By what a row is judged; waivers of ``policy`` are in force on the day ``today``."""

    today: datetime.date
    settings: Settings = Settings()
    policy: Policy = Policy()
    columns: tuple[str, ...] = ()
    """Columns that may say where a row comes from, where ``settings.source`` names none."""


class Benign(NamedTuple):
    """Rows to mix in: as many as make up ``share`` of what is written, evenly spread (0 ≤ share < 1)."""

    rows: Iterator[Sample | Unread]
    share: float


def run(
    data: Sequence[Path],
    out: Path,
    evidence: Evidence,
    rules: Rules,
    *,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    benign: Benign | None = None,
    run_id: str = "",
    on_event: OnEvent = silent,
) -> Result:
    """Clean files or folders of rows into the folder ``out``, which exists.

    PASS: everything was read back and adds up. INCONCLUSIVE: it does, but some of the evidence is about rows that the data do
    not have. Raises ``InputError`` as ``records.rows`` and ``records.write`` do, ``RunError`` when something does not add up.
    """
    rules.settings.check()
    (out / manifest.FILE).unlink(missing_ok=True)  # it is written last: what a killed run left has none
    with ExitStack() as stack:
        streams = _Streams(*[stack.enter_context((out / name).open("wb")) for name in (QUARANTINE, CHANGES, UNREAD)])
        work = _Pass(evidence, rules, streams, benign, on_event)
        written = [path for path in (work.clean(each, out, reading) for each in data) if path is not None]
    found = manifest.make(written, run=run_id, seen=work.account.back.add)
    work.account.add_up(out)
    manifest.write(out, found)
    return work.account.result(found, evidence.flags.left(), len(evidence.corrections) - len(work.corrected))


class _Streams(NamedTuple):
    quarantine: IO[bytes]
    changes: IO[bytes]
    unread: IO[bytes]


class _Pass:
    """One pass over all files."""

    def __init__(self, evidence: Evidence, rules: Rules, streams: _Streams, benign: Benign | None, on_event: OnEvent) -> None:
        self._evidence, self._rules, self._streams, self._benign, self._on_event = evidence, rules, streams, benign, on_event
        self._encode = msgspec.json.Encoder().encode
        self._owed = 0.0
        self._names: set[str] = set()
        self.account = Account()
        self.corrected: set[str] = set()
        """Rows whose correction was used."""

    def clean(self, path: Path, out: Path, reading: Reading) -> Path | None:
        """Write what is left of one file of the data; None when that is nothing."""
        rows = records.rows(path, reading)
        head = []
        for row in rows:  # unread rows up to the first one that shows the format
            head.append(row)
            if isinstance(row.item, Sample):
                break
        shape = head[-1].shape
        form = shape if shape in FORMATS else "openai"
        samples = self._samples(chain(head, rows), form)
        first = next(samples, None)
        if first is None:
            return None
        target = out / self._name(path, own=form == shape)
        records.write(chain([first], samples), target, form)
        return target

    def _samples(self, rows: Iterator[records.Row], form: str) -> Iterator[Sample]:
        """What is left of the rows, and what is mixed in; everything else goes its way."""
        for row in rows:
            if isinstance(row.item, Unread):
                self.account.unread(Path(row.item.source).name.rpartition(":")[0])
                self._write(self._streams.unread, source=row.item.source, reason=row.item.reason)
                continue
            outcome = _writable(self._decide(row.item), row.item, form)
            self._place(row.item, outcome)
            if outcome.kind != "quarantined":
                yield outcome.sample
                yield from self._mixed_in(form)

    def _decide(self, row: Sample) -> Outcome:
        flags, turns = self._evidence.flags.at(row.source), self._evidence.corrections.get(row.id)
        if turns is not None:
            self.corrected.add(row.id)
        rules, said = self._rules, self._evidence.settled.get(row.id)
        return decide(row, flags, said, turns, rules.settings, rules.policy, rules.today)

    def _place(self, row: Sample, outcome: Outcome) -> None:
        own = self._rules.settings.source
        self.account.placed(row, outcome, profile.source(row, (own,) if own else self._rules.columns))
        if self.account.came.size % EVERY == 0:
            self._on_event(Event("clean", self.account.came.size, 0))
        if outcome.kind == "quarantined":
            whole = {"messages": row.messages, "rejected": row.rejected, "metadata": row.metadata}
            self._write(self._streams.quarantine, row=row.id, source=row.source, reasons=outcome.reasons, **whole)
        elif outcome.kind != "kept":
            self._change(outcome.kind, row.id, outcome.sample, outcome.reasons)

    def _mixed_in(self, form: str) -> Iterator[Sample]:
        if self._benign is None:
            return
        self._owed += self._benign.share / (1 - self._benign.share)
        while self._owed > 1 - 1e-9:  # a third, added three times, is not quite one
            self._owed -= 1
            row = next(self._benign.rows, None)
            if not isinstance(row, Sample) or _fault(row, form) is not None:
                self.account.lacking += 1
                continue
            self.account.mixed_in(row)
            self._change("mixed in", "", row, ("benign, at the user's request",))
            yield row

    def _change(self, what: str, before: str, row: Sample, reasons: Sequence[str]) -> None:
        self._write(self._streams.changes, what=what, row=before, new=row.id, source=row.source, reasons=reasons)

    def _name(self, path: Path, *, own: bool) -> str:
        """The file's own name where its container can be written; a folder, a document or a mapped table becomes JSONL."""
        same = own and not path.is_dir() and suffix(path) in WRITABLE
        name = path.name if same else f"{path.name.split('.')[0] or 'rows'}.jsonl"
        head, dot, tail = name.partition(".")
        n = 1
        while name in self._names or name in (QUARANTINE, CHANGES, UNREAD):
            n += 1
            name = f"{head}-{n}{dot}{tail}"
        self._names.add(name)
        return name

    def _write(self, stream: IO[bytes], **line: Any) -> None:
        stream.write(self._encode(line) + b"\n")


def _writable(outcome: Outcome, row: Sample, form: str) -> Outcome:
    """A file holds rows of one format; one that this format cannot carry is set apart, not lost and not bent."""
    if outcome.kind == "quarantined":
        return outcome
    fault = _fault(outcome.sample, form)
    return outcome if fault is None else Outcome("quarantined", row, (f"cannot be written as {form}: {fault}",))


def _fault(sample: Sample, form: str) -> str | None:
    try:
        shapes.dump(FORMATS[form], sample)
    except Bad as bad:
        return str(bad).partition(" → ")[0]
    return None
