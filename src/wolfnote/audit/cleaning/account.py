"""What a cleaning has done so far, counted: by kind, by source and, to prove that no row is lost, by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote.audit.cleaning.balance import Bag
from wolfnote.audit.cleaning.decision import Outcome
from wolfnote.audit.manifest import Manifest
from wolfnote.errors import RunError
from wolfnote.records import Sample
from wolfnote.results import Estimate, Result, Skipped, Verdict

QUARANTINE, CHANGES, UNREAD = "quarantine.jsonl", "changes.jsonl", "unread.jsonl"
SOURCES = 1000
"""Sources that are counted by name; further ones are counted together."""
SHOWN = 10


class Account:
    """Its size does not grow with the rows."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lacking = 0
        """Benign rows that were due and not there."""
        self._sources: dict[str, Counter[str]] = {}
        self.came, self._kept, self._gone, self._before, self._after, self._added = (Bag() for _ in range(6))
        self.back = Bag()
        """Rows that stand in the cleaned files, read back."""

    def unread(self, source: str) -> None:
        """A row that could not be read."""
        self._count("unread", source)

    def placed(self, row: Sample, outcome: Outcome, source: str) -> None:
        """A row that went where ``outcome`` says."""
        self._count(outcome.kind, source)
        self.came.add(row.id)
        if outcome.kind == "kept":
            self._kept.add(row.id)
        elif outcome.kind == "quarantined":
            self._gone.add(row.id)
        else:
            self._before.add(row.id)
            self._after.add(outcome.sample.id)

    def mixed_in(self, row: Sample) -> None:
        """A benign row that was put between the others."""
        self.counts["mixed in"] += 1
        self._added.add(row.id)

    def add_up(self, out: Path) -> None:
        """Raise ``RunError`` unless what stands on the disk is what came, row by row."""
        set_apart = Bag()
        with (out / QUARANTINE).open("rb") as lines:
            for line in lines:
                set_apart.add(msgspec.json.decode(line)["row"])
        if self._kept + self._before + self._gone != self.came or set_apart != self._gone:
            raise RunError(f"{out / QUARANTINE}: kept and quarantined rows are not all rows that came: clean the data again")
        if self.back != self._kept + self._after + self._added:
            raise RunError(f"{out}: the cleaned files do not hold the rows that were written into them: clean the data again")

    def result(self, manifest: Manifest, stray: int, unknown: int) -> Result:
        """The counts; ``stray`` findings and ``unknown`` corrections are about rows that the data do not have."""
        total = self.came.size + self.counts["unread"]
        skipped = [
            Skipped("finding", "about a row that the data do not have", stray),
            Skipped("correction", "of a row that the data do not have", unknown),
            Skipped("row", f"could not be read; by its place in {UNREAD}", self.counts["unread"]),
            Skipped("benign row", "too few of them, or not to be written in this format", self.lacking),
        ]
        return Result(
            "clean",
            Verdict.INCONCLUSIVE if stray or unknown else Verdict.PASS,
            (*self._reasons(manifest), *self._by_source(), *_strange(stray, unknown)),
            tuple(Estimate(f"rows {kind}", float(n), None, None, total, "counted") for kind, n in sorted(self.counts.items())),
            skipped=tuple(s for s in skipped if s.count),
        )

    def _count(self, kind: str, source: str) -> None:
        self.counts[kind] += 1
        known = source in self._sources or len(self._sources) < SOURCES
        self._sources.setdefault(source if known else "all others", Counter())[kind] += 1

    def _reasons(self, manifest: Manifest) -> Sequence[str]:
        c = self.counts
        files = ", ".join(file.name for file in manifest.files)
        return (
            f"{self.came.size:,} rows: {c['kept']:,} kept, {c['redacted']:,} redacted, {c['corrected']:,} corrected, "
            f"{c['quarantined']:,} quarantined; {c['unread']:,} more could not be read, {c['mixed in']:,} benign mixed in",
            "read back from the disk: the rows kept, changed and quarantined are those that came",
            f"root {manifest.root[:16]}… over the {manifest.rows:,} rows that are left",
            f"written: {files or 'no data: no row is left'}; {QUARANTINE}, {CHANGES}, {UNREAD}",
        )

    def _by_source(self) -> Iterator[str]:
        """The sources with the most rows in quarantine."""
        ordered = sorted(self._sources.items(), key=lambda each: (-each[1]["quarantined"], each[0]))
        for source, n in ordered[:SHOWN]:
            changed = n["redacted"] + n["corrected"]
            yield f"{source}: {n['quarantined']:,} of {sum(n.values()):,} quarantined, {changed:,} changed"
        if len(ordered) > SHOWN:
            yield f"and {len(ordered) - SHOWN:,} sources with fewer in quarantine"


def _strange(stray: int, unknown: int) -> Iterator[str]:
    """Why it is INCONCLUSIVE: evidence about rows that the data do not have."""
    if stray:
        yield f"{stray:,} findings are about rows that the data do not have: was something else audited?"
    if unknown:
        yield f"{unknown:,} corrections name rows that the data do not have: take the ids from draw.jsonl or the findings"
