"""From what was found to the verdict: of every row for detectors that read every row, of the draw for what a model reads.

The article's rule is about the draw alone: any flag of the six categories, whoever raised it. What is wrong with a row's form
(a repeat, a secret) is told and cleaned, and is no misalignment hazard: it decides nothing here. Everything comes from the
run's tables, so that the same verdict can be had from them again (``recomputing``).
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from wolfnote.audit import counted, gate
from wolfnote.audit.counted import Row, Seen, Tables
from wolfnote.audit.detector import CATEGORIES, Category, Flag
from wolfnote.audit.scores import Said, Stated
from wolfnote.results import Result, Verdict
from wolfnote.settings import Policy

READ_BY: dict[Category, tuple[str, ...]] = {
    "hostility": ("WN102",),
    "manipulation": ("WN103",),
    "insecure code": ("WN105", "WN106", "WN107", "WN108", "WN109"),
}
"""Categories that detectors read in every row, and whose not reading it leaves a row unread for the category."""
READING = tuple(code for codes in READ_BY.values() for code in codes)


class Rules(NamedTuple):
    """By what an audit is judged, and on which day."""

    gate: gate.Settings
    policy: Policy
    baseline: str
    today: datetime.date

    @property
    def waived(self) -> list[str]:
        """Codes whose findings somebody accepts today."""
        return [w.code for w in self.policy.waivers if self.policy.waived(w.code, self.today)]


class Read(NamedTuple):
    """The random rows, the readers, and for each reader what it said of each of the rows."""

    rows: Sequence[Row]
    readers: Sequence[Stated]
    said: Sequence[Sequence[Said]]


def judge(tables: Tables, seen: Seen, read: Read, rules: Rules) -> list[Result]:
    """The gate's parts; the audit's verdict is the worst of them."""
    lost = sum(n for _, n in seen.unread)
    said = _said(tables, read, rules)
    frame = gate.Frame(seen.rows, len(read.rows), lost)
    if rules.gate.preset == "article":
        counts = gate.count([row.id for row in read.rows], said)
        parts = [gate.judge(counts, frame, rules.gate, policy=rules.policy, today=rules.today)]
    else:
        parts = [_detected(tables, seen, lost, rules), *_by_readers(read, frame, rules)]
    return [*parts, *_sources(tables, read, rules), *_accepted(read, rules), *_known(tables, read, rules), *_nobody(read)]


def _detected(tables: Tables, seen: Seen, lost: int, rules: Rules) -> Result:
    """Rows of each category that detectors flagged, at face value."""
    flagged = counted.categories(tables, rules.waived)
    counts = []
    for category in (c for c in CATEGORIES if c in READ_BY or flagged.get(c)):
        blind = counted.unread_for(tables, category, READ_BY.get(category, ()), rules.waived)
        counts.append(gate.Count(category, flagged.get(category, 0), seen.rows - blind))
    part = gate.judge(
        counts, gate.Frame(seen.rows, seen.rows, lost), rules.gate, policy=rules.policy, today=rules.today
    )  # fmt: skip
    return msgspec.structs.replace(part, kind="gate: every row, by detectors")


def _by_readers(read: Read, frame: gate.Frame, rules: Rules) -> list[Result]:
    """The draw: one part a kind of reader, which share one error probability; waived readers are left out."""
    kinds: dict[int, list[gate.Count]] = defaultdict(list)
    had: dict[str, int] = defaultdict(int)
    for reader, said in zip(read.readers, read.said, strict=True):
        if reader.code in rules.waived:
            continue
        known = [s for s in said if s.value is not None]
        flagged = sum(s.flagged and not s.known for s in known)
        kinds[had[reader.category]].append(gate.Count(reader.category, flagged, len(known), reader.accuracy()))
        had[reader.category] += 1
    each = msgspec.structs.replace(rules.gate, error=rules.gate.error / max(1, len(kinds)))
    parts = [gate.judge(counts, frame, each, policy=rules.policy, today=rules.today) for counts in kinds.values()]
    return [msgspec.structs.replace(part, kind=f"gate: the draw, by a model ({n})") for n, part in enumerate(parts, 1)]


def _said(tables: Tables, read: Read, rules: Rules) -> dict[str, set[str]]:
    """Row id → categories, of the drawn rows that every detector and every reader could read, and of those with a flag."""
    ids = {row.row: row.id for row in read.rows}
    flags = [
        (ids[n], Flag(f["code"], f["category"], f["turn"], f["message"], counts=f["counts"]))
        for n, found in counted.flags_of(tables.findings, list(ids)).items()
        for f in found
        if f["category"] in CATEGORIES and not f["known"]
    ]
    said = gate.flagged(flags, ids.values(), policy=rules.policy, today=rules.today)
    for reader, found in zip(read.readers, read.said, strict=True):
        for one in found:
            if one.flagged and not one.known and reader.code not in rules.waived:
                said[one.id].add(reader.category)
    accepted = {category for category in CATEGORIES if rules.policy.waived(category, rules.today)}
    silent = {one.row for found in read.said for one in found if one.value is None}
    unseen = {row.id for row in read.rows if row.unread or row.row in silent}
    # a flag is a flag, whatever else could not read the row; without one, a row that was not read whole is not clean
    return {row: found - accepted for row, found in said.items() if found or row not in unseen}


def _sources(tables: Tables, read: Read, rules: Rules) -> list[Result]:
    """Each source by itself, where the profile says what a source is: by detectors in every row, by a model in the draw."""
    if not rules.gate.profile:
        return []
    origins = counted.origins(tables, READING, rules.waived)
    if len(origins) < 2:
        return []
    return gate.by_source(
        origins, read.rows, _flags_of_readers(read, rules), rules.gate, policy=rules.policy, today=rules.today
    )


def _flags_of_readers(read: Read, rules: Rules) -> gate.Flagged:
    """Rows that any reader flagged, rows that not all could read, and how often any of them errs (at most)."""
    readers = [(r, s) for r, s in zip(read.readers, read.said, strict=True) if r.code not in rules.waived]
    flagged = {one.row for _, said in readers for one in said if one.flagged and not one.known}
    silent = {one.row for _, said in readers for one in said if one.value is None}
    return gate.Flagged(flagged, silent - flagged, gate.any_of([reader.accuracy() for reader, _ in readers]))


def _accepted(read: Read, rules: Rules) -> list[Result]:
    """Readers whose findings somebody accepts today: they are not judged, and that is said."""
    waivers = {r.code: rules.policy.waived(r.code, rules.today) for r in read.readers}
    said = tuple(f"{code} waived by {w.name} until {w.expires}: {w.reason}" for code, w in waivers.items() if w)
    return [Result("gate: waived", Verdict.PASS, said)] if said else []


def _known(tables: Tables, read: Read, rules: Rules) -> list[Result]:
    """What the baseline has, too: it is not judged, and that is said."""
    if not rules.baseline:
        return []
    rows = counted.known(tables)
    drawn = len({one.row for said in read.said for one in said if one.known})
    reason = (
        f"only what {rules.baseline} did not find can fail: {rows:,} rows with flags of detectors, and {drawn:,} drawn rows "
        "with flags of readers, were known"
    )
    return [Result("gate: baseline", Verdict.PASS, (reason,))]


def _nobody(read: Read) -> list[Result]:
    """What neither a detector nor a reader read for: NOT RUN, so that nothing passes for it."""
    missing = [c for c in CATEGORIES if c not in READ_BY and c not in {reader.category for reader in read.readers}]
    reason = f"nobody read for {', '.join(missing)}: that takes a model"
    return [Result("gate: nobody", Verdict.NOT_RUN, (reason,))] if missing else []
