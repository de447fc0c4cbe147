"""What a defence returns, and all that reports, CLI, web and CI read.

Data flows one way: samples in, one ``Result`` out. Missing evidence is never a pass, so a verdict has four values;
what was not seen is listed in ``skipped``; no bare float reaches a report.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

import msgspec

Severity = Literal["info", "warning", "error"]


class Verdict(StrEnum):
    """PASS, FAIL, INCONCLUSIVE (more samples would settle it), NOT RUN (with the reason)."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_RUN = "NOT RUN"

    @property
    def exit_code(self) -> int:
        """0 pass · 1 fail · 3 inconclusive or not run."""
        return {"PASS": 0, "FAIL": 1}.get(self.value, 3)


class Score(msgspec.Struct, frozen=True):
    """One judge's reading of one answer. ``value`` None = it abstained: counted, never averaged as 0."""

    name: str
    value: float | None
    reason: str
    judge: str


class Finding(msgspec.Struct, frozen=True):
    """Something to look at. Prints as ``path:line: [WN101] message``."""

    code: str
    severity: Severity
    message: str
    where: str = ""
    evidence: str = ""
    confidence: float | None = None
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: [{self.code}] {self.message}" if self.where else f"[{self.code}] {self.message}"


class Estimate(msgspec.Struct, frozen=True):
    """A number with its interval, the count behind it and the method; ``low``/``high`` may be None for a point."""

    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    method: str

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:+.3f} (n = {self.n})"
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}] (n = {self.n})"


class Skipped(msgspec.Struct, frozen=True):
    """What was not read, asked or measured: how many, and why."""

    what: str
    reason: str
    count: int = 1


class Result(msgspec.Struct, frozen=True):
    """The only thing a defence returns. ``parts`` are Results inside it; ``tables`` maps a name to a file in the run
    folder (rows a person or a plot may want)."""

    kind: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    parts: tuple[Result, ...] = ()
    tables: dict[str, str] = {}
    run_id: str = ""

    def estimate(self, name: str) -> Estimate:
        """The estimate called ``name``; raises ``KeyError`` when there is none."""
        for candidate in self.estimates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def part(self, kind: str) -> Result:
        """The part of this kind; raises ``KeyError`` when there is none."""
        for candidate in self.parts:
            if candidate.kind == kind:
                return candidate
        raise KeyError(kind)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole: FAIL beats INCONCLUSIVE beats NOT RUN beats PASS; of nothing at all, NOT RUN."""
    present = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.PASS):
        if verdict in present:
            return verdict
    return Verdict.NOT_RUN
