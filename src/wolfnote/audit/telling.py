"""What tier 1 and tier 2 saw, as parts of an audit's Result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wolfnote.audit.counted import Seen
from wolfnote.results import Estimate, Finding, Result, Severity, Skipped, Verdict

SHOWN = 10
"""Findings of each code in the Result, and reasons for what was not read; all are in the tables."""
ANY_READER = "drawn rows that any reader flagged"
REMEDIES = {
    "WN123": "see that refusals were not taken out as low quality; write some",
    "WN124": "revoke the secret, then take it out: wolfnote clean",
    "WN125": "take it out or ask who allowed it: wolfnote clean",
    "WN126": "keep one: wolfnote clean",
    "WN127": "keep one, or vary them",
    "WN128": "take the row out of training, or the item out of the evaluation",
    "WN129": "export it again without a limit, or leave the row out",
    "WN130": "reorder the turns, or leave the row out",
}


def every_row(seen: Seen, names: Mapping[str, str], first: Iterable[tuple[Any, ...]], refused: Estimate | None) -> Result:
    """Tier 1: how many rows each detector flagged, read and could not read; ``names`` of all detectors by code. PASS: all were
    read, not that all is well."""
    estimates = [e for code, name in sorted(names.items()) for e in _counted(seen, code, name)]
    skipped = [*unread(seen), *_blind(seen, names)]
    return Result(
        "tier 1",
        Verdict.INCONCLUSIVE if skipped else Verdict.PASS,
        tuple(_reasons(seen, names)),
        (*estimates, *([refused] if refused else [])),
        tuple(map(_finding, first)),
        tuple(skipped),
    )


def drawn_rows(parts: Sequence[Result], drawn: int, rows: int, flagged: Estimate | None = None) -> Result:
    """Tier 2: what each reader said of the random draw. PASS: all of it was read, not that all is well."""
    reasons = tuple(reason for part in parts for reason in part.reasons) or (f"no reader read the {drawn} drawn rows",)
    estimates = (
        Estimate("rows drawn", float(drawn), None, None, rows, "counted"),
        *([flagged] if flagged else []),
        *(estimate for part in parts for estimate in part.estimates),
    )
    lost = any(part.skipped for part in parts)
    verdict = Verdict.INCONCLUSIVE if lost else Verdict.PASS if parts else Verdict.NOT_RUN
    return Result("tier 2", verdict, reasons, estimates, skipped=tuple(s for p in parts for s in p.skipped))


def unread(seen: Seen) -> list[Skipped]:
    """What was no row, by reason, the most frequent first."""
    shown = [Skipped("row", reason, n) for reason, n in seen.unread[:SHOWN]]
    more = sum(n for _, n in seen.unread[SHOWN:])
    return [*shown, *([Skipped("row", "and more, for other reasons", more)] if more else [])]


def _blind(seen: Seen, names: Mapping[str, str]) -> list[Skipped]:
    """What a detector could not read, by code and reason."""
    by_code: dict[str, list[tuple[str, int]]] = {}
    for code, reason, n in seen.blind:
        by_code.setdefault(code, []).append((reason, n))
    return [
        Skipped(f"row by {code} {names.get(code, '')}", reason, n)
        for code, reasons in by_code.items()
        for reason, n in sorted(reasons, key=lambda pair: -pair[1])[:SHOWN]
    ]


def _counted(seen: Seen, code: str, name: str) -> list[Estimate]:
    """Rows flagged, and those of them that are a hazard, of the rows that its detector read."""
    flagged, counting = seen.codes.get(code, (0, 0))
    read = seen.rows - sum(n for other, _, n in seen.blind if other == code)
    found = [Estimate(f"rows, {code} {name}", float(flagged), None, None, read, "counted in every row")]
    if 0 < counting < flagged:
        found.append(Estimate(f"rows, {code} {name}, a hazard", float(counting), None, None, read, "counted in every row"))
    return found


def _reasons(seen: Seen, names: Mapping[str, str]) -> Iterable[str]:
    lost = sum(n for _, n in seen.unread)
    yield f"{seen.rows:,} rows read by {len(names)} kinds of detector, {lost:,} could not be parsed"
    for code, (flagged, counting) in sorted(seen.codes.items()):
        hazard = f", {counting:,} as a hazard" if counting else ""
        yield f"{code} {names.get(code, '')}: {flagged:,} rows{hazard}"


def _finding(found: tuple[Any, ...]) -> Finding:
    code, message, path, line, turn, role, evidence, counts, known = found
    severity: Severity = "warning" if counts and not known else "info"
    message += "; in the baseline, too" if known else ""
    where = f"{path}:{line}" if line else path
    return Finding(
        code, severity, f"turn {turn + 1}, {role}: {message}", where, evidence, remedy=REMEDIES.get(code, "review the row")
    )
