"""A review under way: who may say what about which row. Blind first; whoever has looked can no longer change the answer.

labels.jsonl   what was said (``labels``)
looks.jsonl    who has seen what detectors and others say of a row: an answer after that would not be independent

A decision about a row on which reviewers differ is made by somebody who has not reviewed the row.
"""

from __future__ import annotations

import datetime
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.audit import drawn, labels
from wolfnote.audit.journal import Journal
from wolfnote.audit.labels import Label, Opinions
from wolfnote.results import Finding, Severity

SHOWN = 50
"""Findings of one row that are shown at most."""


class Look(msgspec.Struct, frozen=True):
    """Somebody has seen what others say of a row."""

    row: str
    reviewer: str
    at: str


class Review:
    """The drawn rows of a run and what people said of them. Raises ``InputError`` for a folder without a draw."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.drawn = drawn.read(run)
        self.number = {place.row: number for number, place in enumerate(self.drawn.places)}
        self.labels = labels.journal(run)
        self.looks = Journal(run / "looks.jsonl", Look)
        self._saying = threading.Lock()
        self._found: dict[str, list[Finding]] | None = None

    def opinions(self) -> dict[str, Opinions]:
        """What is in force about each row that people have judged."""
        return labels.in_force(label for label in self.labels.read() if label.row in self.number)

    def judged(self) -> list[tuple[str, ...] | None]:
        """The random part, as often as each row was drawn: the categories that people settled on, None where that is missing.
        A gate counts these; what is missing is not clean."""
        opinions = self.opinions()
        return [opinions[row].categories if row in opinions else None for row in self.drawn.random]

    def say(self, said: Sequence[Label]) -> dict[str, str]:
        """Keep judgements, on the disk when this returns. What comes back is why some were not: id → reason.

        A judgement whose id is known is not kept again. Raises ``RunError`` when the disk does not take them.
        """
        with self._saying:
            known = {label.id for label in self.labels.read() if label.id}
            opinions = self.opinions()
            looked = {(look.row, look.reviewer) for look in self.looks.read()}
            refused = {}
            kept = []
            for label in said:
                if label.id in known:
                    continue
                reason = self._refusal(label, opinions.get(label.row), looked)
                if reason:
                    refused[label.id] = reason
                else:
                    kept.append(msgspec.structs.replace(label, at=label.at or _now()))
                    known.add(label.id)
            self.labels.append(kept)
            return refused

    def look(self, row: str, person: str) -> bool:
        """Note that a person sees what others say of a row; False when they may not yet: they have not answered, and there is
        nothing for them to decide."""
        with self._saying:
            opinions = self.opinions().get(row, Opinions({}, {}))
            if person not in opinions.reviewers and not opinions.differ:
                return False
            if not self.looked(row, person):
                self.looks.append([Look(row, person, _now())])
            return True

    def looked(self, row: str, person: str) -> bool:
        """Whether a person's answer about a row is final."""
        return any(look.row == row and look.reviewer == person for look in self.looks.read())

    def found(self, row: Mapping[str, Any]) -> list[Finding]:
        """What the audit says of a drawn row: the flags on its line, and what readers found at its place."""
        if self._found is None:
            self._found = _findings(self.run, {place.source for place in self.drawn.places})
        flags = _flags(row.get("flags"))
        known = {flag.code for flag in flags}
        read = [finding for finding in self._found.get(str(row.get("source", "")), []) if finding.code not in known]
        return [*flags, *read][:SHOWN]

    def _refusal(self, label: Label, opinions: Opinions | None, looked: set[tuple[str, str]]) -> str:
        if label.row not in self.number:
            return "this row is not in the draw"
        if not label.adjudicated:
            seen = (label.row, label.reviewer) in looked or (opinions is not None and label.reviewer in opinions.decisions)
            return "you have seen what others say of this row, so your answer is final" if seen else ""
        if opinions is None or not opinions.differ:
            return "reviewers do not differ on this row"
        if label.reviewer in opinions.reviewers:
            return "you have reviewed this row; somebody else must decide"
        return ""


def _findings(run: Path, sources: set[str]) -> dict[str, list[Finding]]:
    """Place → findings there, for the drawn rows only. A line that is no finding is none of ours to judge."""
    found: dict[str, list[Finding]] = defaultdict(list)
    path = run / "findings.jsonl"
    if not path.is_file():
        return found
    decoder = msgspec.json.Decoder(Finding)
    with path.open("rb") as file:
        for line in file:
            try:
                finding = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if finding.where and finding.where in sources:
                found[finding.where].append(finding)
    return found


def _flags(flags: Any) -> list[Finding]:
    """Flags as the engine writes them beside a drawn row; each says whose turn it is about."""
    return [_flag(flag) for flag in flags if isinstance(flag, dict)] if isinstance(flags, list) else []


def _flag(flag: Mapping[str, Any]) -> Finding:
    counts = flag.get("counts") is not False
    where = f"{flag.get('role', '')} turn {flag.get('turn', '')}".strip() + ("" if counts else ", no hazard in itself")
    message = f"{flag.get('message', '')} ({where})"
    severity: Severity = "warning" if counts else "info"
    return Finding(str(flag.get("code", "")), severity, message, evidence=str(flag.get("evidence", "")))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
