"""The pass over the data: one row at a time, in order, each to one place."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from wolfnote import records
from wolfnote.audit import manifest
from wolfnote.audit.cleaning.balance import Bag
from wolfnote.audit.cleaning.decision import Kind, Outcome, Settings, decide
from wolfnote.audit.cleaning.flagged import Flags
from wolfnote.errors import RunError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.records import FORMATS, Message, Reading, Sample, Unread, shapes
from wolfnote.records.files import suffix
from wolfnote.records.row import Bad
from wolfnote.results import Estimate, Result, Skipped, Verdict
from wolfnote.settings import Policy

QUARANTINE, CHANGES, UNREAD = "quarantine.jsonl", "changes.jsonl", "unread.jsonl"
WRITABLE = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
EVERY = 10_000
"""Rows between two events."""
SOURCES = 1000
"""Sources that are counted by name; further ones are counted together."""


class Evidence(NamedTuple):
    """What is known against the rows: flags by place, what people settled and what the user corrects by row id."""

    flags: Flags
    settled: Mapping[str, Sequence[str]]
    corrections: Mapping[str, tuple[Message, ...]]


class Benign(NamedTuple):
    """Rows to mix in: as many as make up ``share`` of what is written, evenly spread (0 ≤ share < 1)."""

    rows: Iterator[Sample | Unread]
    share: float


def run(
    data: Sequence[Path],
    out: Path,
    evidence: Evidence,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    *,
    today: datetime.date,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    reading: Reading = Reading(),  # noqa: B008 - frozen
    benign: Benign | None = None,
    run_id: str = "",
    on_event: OnEvent = silent,
) -> Result:
    """Clean files or folders of rows into the folder ``out``, which exists.

    PASS: everything was read back and adds up. INCONCLUSIVE: it does, but some of the evidence is about rows that the data do
    not have. Raises ``InputError`` as ``records.rows`` and ``records.write`` do, ``RunError`` when something does not add up.
    """
    settings.check()
    with (
        (out / QUARANTINE).open("wb") as quarantine,
        (out / CHANGES).open("wb") as changes,
        (out / UNREAD).open("wb") as unread,
    ):
        streams = _Streams(quarantine, changes, unread)
        work = _Pass(evidence, settings, policy, today, streams, benign, on_event)
        written = [path for path in (work.clean(each, out, reading) for each in data) if path is not None]
    found = manifest.make(written, run=run_id, seen=work.back.add)
    _add_up(work, out)
    manifest.write(out, found)
    return work.result(found, [path.name for path in written])


class _Streams(NamedTuple):
    quarantine: IO[bytes]
    changes: IO[bytes]
    unread: IO[bytes]


class _Pass:
    """What one pass has counted so far; its memory does not grow with the rows."""

    def __init__(
        self,
        evidence: Evidence,
        settings: Settings,
        policy: Policy,
        today: datetime.date,
        streams: _Streams,
        benign: Benign | None,
        on_event: OnEvent,
    ) -> None:
        self._evidence, self._settings, self._policy, self._today = evidence, settings, policy, today
        self._streams, self._benign, self._on_event = streams, benign, on_event
        self._encode = msgspec.json.Encoder().encode
        self._owed = 0.0
        self._lacking = 0
        self._corrected: set[str] = set()
        self._names: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.sources: dict[str, Counter[str]] = {}
        self.kept, self.old, self.new, self.added, self.gone, self.came = (Bag() for _ in range(6))
        """Rows that stay as they are, changed ones before and after, mixed-in ones, quarantined ones, and all that came."""
        self.back = Bag()
        """Rows that stand in the cleaned files, read back."""

    def clean(self, path: Path, out: Path, reading: Reading) -> Path | None:
        """Write what is left of one file of the data; None when that is nothing."""
        rows = records.rows(path, reading)
        head = []
        for row in rows:
            head.append(row)
            if isinstance(row.item, Sample):
                break
        form = head[-1].shape if head[-1].shape in FORMATS else "openai"
        samples = self._samples(chain(head, rows), form)
        first = next(samples, None)
        if first is None:
            return None
        target = out / self._name(path, form, head[-1].shape)
        records.write(chain([first], samples), target, form)
        return target

    def result(self, found: manifest.Manifest, files: Sequence[str]) -> Result:
        """The counts, for the whole and for each source."""
        stray = self._evidence.flags.left()
        unknown = len(self._evidence.corrections) - len(self._corrected)
        skipped = [
            Skipped("finding", "about a row that the data do not have", stray),
            Skipped("correction", "of a row that the data do not have", unknown),
            Skipped("row", f"could not be read; by its place in {UNREAD}", self.counts["unread"]),
            Skipped("benign row", "too few of them, or not to be written in this format", self._lacking),
        ]
        total = self.came.size + self.counts["unread"]
        return Result(
            "clean",
            Verdict.INCONCLUSIVE if stray or unknown else Verdict.PASS,
            tuple(self._reasons(found, files)),
            tuple(Estimate(f"rows {kind}", float(n), None, None, total, "counted") for kind, n in sorted(self.counts.items())),
            skipped=tuple(s for s in skipped if s.count),
        )

    def _samples(self, rows: Iterator[records.Row], form: str) -> Iterator[Sample]:
        for row in rows:
            if isinstance(row.item, Unread):
                self._count("unread", str(Path(row.item.source).name).rpartition(":")[0])
                self._write(self._streams.unread, source=row.item.source, reason=row.item.reason)
                continue
            self.came.add(row.item.id)
            outcome = self._writable(self._decide(row.item), row.item, form)
            self._place(row.item, outcome)
            if outcome.kind != "quarantined":
                yield outcome.sample
                yield from self._mixed_in(form)

    def _decide(self, row: Sample) -> Outcome:
        flags, turns = self._evidence.flags.at(row.source), self._evidence.corrections.get(row.id)
        if turns is not None:
            self._corrected.add(row.id)
        return decide(row, flags, self._evidence.settled.get(row.id), turns, self._settings, self._policy, self._today)

    def _writable(self, outcome: Outcome, row: Sample, form: str) -> Outcome:
        """A file holds rows of one format; one that this format cannot carry is set apart, not lost and not bent."""
        if outcome.kind == "quarantined":
            return outcome
        fault = _fault(outcome.sample, form)
        return outcome if fault is None else Outcome("quarantined", row, (f"cannot be written as {form}: {fault}",))

    def _place(self, row: Sample, outcome: Outcome) -> None:
        self._count(outcome.kind, self._source(row))
        if self.came.size % EVERY == 0:
            self._on_event(Event("clean", self.came.size, 0))
        if outcome.kind == "kept":
            self.kept.add(row.id)
        elif outcome.kind == "quarantined":
            self.gone.add(row.id)
            own = {"messages": row.messages, "rejected": row.rejected, "metadata": row.metadata}
            self._write(self._streams.quarantine, row=row.id, source=row.source, reasons=outcome.reasons, **own)
        else:
            self.old.add(row.id)
            self.new.add(outcome.sample.id)
            self._change(outcome.kind, row.id, outcome.sample, outcome.reasons)

    def _mixed_in(self, form: str) -> Iterator[Sample]:
        if self._benign is None:
            return
        self._owed += self._benign.share / (1 - self._benign.share)
        while self._owed > 1 - 1e-9:  # a third, added three times, is not quite one
            self._owed -= 1
            row = next(self._benign.rows, None)
            if not isinstance(row, Sample) or _fault(row, form) is not None:
                self._lacking += 1
                continue
            self.added.add(row.id)
            self.counts["mixed in"] += 1
            self._change("mixed in", "", row, ("benign, at the user's request",))
            yield row

    def _change(self, what: str, before: str, row: Sample, reasons: Sequence[str]) -> None:
        self._write(self._streams.changes, what=what, row=before, new=row.id, source=row.source, reasons=reasons)

    def _count(self, kind: Kind | str, source: str) -> None:
        self.counts[kind] += 1
        known = source in self.sources or len(self.sources) < SOURCES
        self.sources.setdefault(source if known else "all others", Counter())[kind] += 1

    def _source(self, row: Sample) -> str:
        column = self._settings.source
        return str(row.metadata.get(column, "none given"))[:80] if column else Path(row.source).name.rpartition(":")[0]

    def _name(self, path: Path, form: str, shape: str) -> str:
        """The file's own name where its container can be written; a folder, a document or a mapped table becomes JSONL."""
        own = not path.is_dir() and suffix(path) in WRITABLE and form == shape
        stem = path.name if own else f"{path.name.split('.')[0] or 'rows'}.jsonl"
        head, dot, tail = stem.partition(".")
        name, n = stem, 1
        while name in self._names or name in (QUARANTINE, CHANGES, UNREAD):
            n += 1
            name = f"{head}-{n}{dot}{tail}"
        self._names.add(name)
        return name

    def _reasons(self, found: manifest.Manifest, files: Sequence[str]) -> Iterator[str]:
        c = self.counts
        yield (
            f"{self.came.size:,} rows: {c['kept']:,} kept, {c['redacted']:,} redacted, {c['corrected']:,} corrected, "
            f"{c['quarantined']:,} quarantined; {c['unread']:,} more could not be read, {c['mixed in']:,} benign mixed in"
        )
        yield "read back from the disk: the rows kept, changed and quarantined are those that came"
        yield f"root {found.root[:16]}… over the {found.rows:,} rows that are left"
        for source, n in sorted(self.sources.items(), key=lambda each: -each[1]["quarantined"])[:10]:
            changed = n["redacted"] + n["corrected"]
            yield f"{source}: {n['quarantined']:,} of {sum(n.values()):,} quarantined, {changed:,} changed"
        yield "written: " + (", ".join(files) if files else "no data: no row is left") + f"; {QUARANTINE}, {CHANGES}, {UNREAD}"

    def _write(self, stream: IO[bytes], **line: Any) -> None:
        stream.write(self._encode(line) + b"\n")


def _fault(sample: Sample, form: str) -> str | None:
    try:
        shapes.dump(FORMATS[form], sample)
    except Bad as bad:
        return str(bad).partition(" → ")[0]
    return None


def _add_up(work: _Pass, out: Path) -> None:
    """Raise ``RunError`` unless what stands on the disk is what came, row by row."""
    set_apart = Bag()
    with (out / QUARANTINE).open("rb") as lines:
        for line in lines:
            set_apart.add(msgspec.json.decode(line)["row"])
    if work.kept + work.old + work.gone != work.came or set_apart != work.gone:
        raise RunError(f"{out / QUARANTINE}: kept and quarantined rows are not all rows that came: nothing was signed off")
    if work.back != work.kept + work.new + work.added:
        raise RunError(f"{out}: the cleaned files do not hold the rows that were written into them: nothing was signed off")
