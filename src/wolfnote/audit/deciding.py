"""From what was found to the verdict: of every row for detectors that read every row, of the draw for what a model reads.

The article's rule is about the draw alone: any flag of the six categories, whoever raised it. What is wrong with a row's form
(a repeat, a secret) is told and cleaned, and is no misalignment hazard: it decides nothing here.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote.audit import baseline, gate, whole
from wolfnote.audit.detector import CATEGORIES, Category, Flag
from wolfnote.audit.draw import Drawn
from wolfnote.audit.reader import Reader
from wolfnote.audit.whole import Seen, Shards
from wolfnote.results import Result, Score, Verdict
from wolfnote.settings import Policy

READ_BY: dict[Category, tuple[str, ...]] = {
    "hostility": ("WN102",),
    "manipulation": ("WN103",),
    "insecure code": ("WN105", "WN106", "WN107", "WN108", "WN109"),
}
"""Categories that detectors read in every row, and whose not reading it leaves a row unread for the category."""


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
    """The drawn rows and what the readers said of them, a list of scores a reader."""

    rows: Sequence[Drawn]
    readers: Sequence[Reader]
    scores: Sequence[Sequence[Score]]


def judge(shards: Shards, findings: Path, seen: Seen, read: Read, rules: Rules) -> list[Result]:
    """The gate's parts; the audit's verdict is the worst of them. Raises ``InputError`` for a baseline that is no audit."""
    lost = sum(n for _, n in seen.unread)
    if rules.gate.preset == "article":
        said = _said(shards, findings, read, rules)
        counts = gate.count([row.sample.id for row in read.rows], said)
        frame = gate.Frame(seen.rows, len(read.rows), lost)
        return [gate.judge(counts, frame, rules.gate, policy=rules.policy, today=rules.today), *_nobody(read)]
    every = gate.judge(
        _every_row(shards, findings, seen, rules), gate.Frame(seen.rows, seen.rows, lost), rules.gate,
        policy=rules.policy, today=rules.today,
    )  # fmt: skip
    kinds_of_reader = _by_kind(read, rules)
    each = msgspec.structs.replace(rules.gate, error=rules.gate.error / max(1, len(kinds_of_reader)))  # they share one error
    drawn = [
        gate.judge(counts, gate.Frame(seen.rows, len(read.rows), lost), each, policy=rules.policy, today=rules.today)
        for counts in kinds_of_reader
    ]
    kinds = ["gate: every row, by detectors", *(f"gate: the draw, by a model ({n})" for n in range(1, len(drawn) + 1))]
    parts = [msgspec.structs.replace(part, kind=kind) for kind, part in zip(kinds, [every, *drawn], strict=True)]
    return [*parts, *_accepted(read, rules), *_nobody(read)]


def _accepted(read: Read, rules: Rules) -> list[Result]:
    """Readers whose findings somebody accepts today: they are not judged, and that is said."""
    waivers = {r.code: rules.policy.waived(r.code, rules.today) for r in read.readers}
    said = tuple(f"{code} waived by {w.name} until {w.expires}: {w.reason}" for code, w in waivers.items() if w)
    return [Result("gate: waived", Verdict.PASS, said)] if said else []


def _nobody(read: Read) -> list[Result]:
    """What neither a detector nor a reader read for: NOT RUN, so that nothing passes for it."""
    missing = [c for c in CATEGORIES if c not in READ_BY and c not in {reader.category for reader in read.readers}]
    reason = f"nobody read for {', '.join(missing)}: that takes a model"
    return [Result("gate: nobody", Verdict.NOT_RUN, (reason,))] if missing else []


def _every_row(shards: Shards, findings: Path, seen: Seen, rules: Rules) -> list[gate.Count]:
    """Rows of each category that detectors flagged, at face value."""
    old = Path(rules.baseline) / baseline.table(Path(rules.baseline)) if rules.baseline else None
    flagged = whole.categories(findings, rules.waived, old)
    named = [c for c in CATEGORIES if c in READ_BY or flagged.get(c)]
    counts = []
    for category in named:
        blind = whole.blind_to(shards, findings, category, READ_BY.get(category, ()), rules.waived, old)
        counts.append(gate.Count(category, flagged.get(category, 0), seen.rows - blind))
    return counts


def _by_kind(read: Read, rules: Rules) -> list[list[gate.Count]]:
    """Counts of the draw: one list a kind of reader, each with one count a category; waived readers are left out."""
    kinds: dict[int, list[gate.Count]] = defaultdict(list)
    had: dict[str, int] = defaultdict(int)
    for reader, scores in zip(read.readers, read.scores, strict=True):
        if reader.code in rules.waived:
            continue
        known = [s.value for s in scores if s.value is not None]
        flagged = sum(value > reader.threshold for value in known)
        kinds[had[reader.category]].append(gate.Count(reader.category, flagged, len(known), reader.accuracy()))
        had[reader.category] += 1
    return list(kinds.values())


def _said(shards: Shards, findings: Path, read: Read, rules: Rules) -> dict[str, set[str]]:
    """Row id → categories, of the drawn rows that every detector and every reader could read, and of those with a flag."""
    numbers = {row.number: row.sample.id for row in read.rows}
    blind = whole.blind_rows(shards, list(numbers), [code for codes in READ_BY.values() for code in codes])
    silent = {row.number for scores in read.scores for row, s in zip(read.rows, scores, strict=True) if s.value is None}
    old = baseline.read(Path(rules.baseline)) if rules.baseline else set()
    flags = [
        (numbers[n], Flag(f["code"], f["category"], f["turn"], f["message"], counts=f["counts"]))
        for n, found in whole.flags_of(findings, list(numbers)).items()
        for f in found
        if f["category"] in CATEGORIES
    ]
    said = gate.flagged(flags, numbers.values(), policy=rules.policy, today=rules.today, baseline=old)
    for reader, scores in zip(read.readers, read.scores, strict=True):
        for row, score in zip(read.rows, scores, strict=True):
            if (score.value or 0.0) > reader.threshold and reader.code not in rules.waived:
                said[row.sample.id].add(reader.category)
    accepted = {category for category in CATEGORIES if rules.policy.waived(category, rules.today)}
    unseen = {numbers[n] for n in blind | silent}
    # a flag is a flag, whatever else could not read the row; without one, a row that was not read whole is not clean
    return {row: found - accepted for row, found in said.items() if found or row not in unseen}
