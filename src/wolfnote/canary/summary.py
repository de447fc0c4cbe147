"""What an experiment came to, as a ``Result``: computed from its log alone, so that anybody can do so again.

PASS needs evidence: enough for a promotion. A rollback is FAIL. Everything else is INCONCLUSIVE, and says how far it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wolfnote.canary.controller import Stage
from wolfnote.canary.evidence import Evidence, estimates
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Decided, Entry
from wolfnote.canary.replay import Replayed, replay
from wolfnote.results import Estimate, Finding, Result, Skipped, Verdict

LOST = {"lost": "a gateway was killed, or its store did not write", "overdue": "no judge answered in time"}


def summarise(replayed: Replayed, tables: Mapping[str, str] = {}, run_id: str = "") -> Result:
    """The result of a log that was replayed."""
    seen = replayed.snapshot
    evidence = seen.evidence
    found = [*_rolled_back(seen, replayed.decisions), *_held(seen, replayed.decisions)]
    skipped = tuple(Skipped("answer", reason, seen.counts[name]) for name, reason in LOST.items() if seen.counts.get(name))
    return Result(
        "canary",
        verdict(seen, evidence),
        tuple(dict.fromkeys((f"{seen.state.stage}: {seen.state.why or 'nothing was decided yet'}", f"now {evidence.why}"))),
        (*estimates(seen.counts, seen.limits), *_numbers(evidence)),
        tuple(found),
        skipped,
        tables=dict(tables),
        run_id=run_id,
    )


def recompute(rows: Sequence[Mapping[str, Any]]) -> Result:
    """The result again, from the rows of the table ``log``. Raises ``RunError`` where they are not what was written."""
    entries = [msgspec.convert({**row, "body": row["body"].encode()}, Entry) for row in rows]
    return summarise(replay(entries))


def row(entry: Entry) -> dict[str, Any]:
    """An entry as a row of a table; its body stays the text that was hashed."""
    return msgspec.structs.asdict(entry) | {"body": entry.body.decode()}


def verdict(seen: Snapshot, evidence: Evidence) -> Verdict:
    """PASS, FAIL or INCONCLUSIVE."""
    if seen.state.stage is Stage.ROLLED_BACK or evidence.harmful:
        return Verdict.FAIL
    good = evidence.promised and seen.state.stage is not Stage.HOLD
    return Verdict.PASS if good else Verdict.INCONCLUSIVE


def _numbers(evidence: Evidence) -> list[Estimate]:
    method = "E-process, valid however often one looks"
    pairs = [("log E of harm", evidence.harm, evidence.units), ("log E, ceiling", evidence.ceiling, evidence.units)]
    pairs += [("log E, pairs", evidence.paired, evidence.pairs), ("log E, score", evidence.score, evidence.pairs)]
    return [Estimate(name, value, None, None, n, method) for name, value, n in pairs]


def _rolled_back(seen: Snapshot, decisions: Sequence[Decided]) -> list[Finding]:
    """WN501 The canary was rolled back

    The tuned model did worse than its limits allow, and the base answers everybody again. The evidence is an e-process: a model
    that keeps every limit is rolled back with probability ``limits.error`` at most, however often one looks. It is one-way:
    serve another version as another experiment.

    Bad: 12 of 400 conversations flagged, where 2 in 1,000 are tolerated.
    Look at the flagged pairs on the dashboard, then at ``wolfnote probe`` of the same model.
    """
    return [
        Finding("WN501", "error", f"rolled back: {d.state.why}", d.state.experiment, remedy="look at its flagged pairs")
        for d in decisions
        if d.state.stage is Stage.ROLLED_BACK
    ]


def _held(seen: Snapshot, decisions: Sequence[Decided]) -> list[Finding]:
    """WN502 The canary was held

    Share 0 until a person decides: its answers were different beyond what was accepted at launch (length, language, refusals,
    code, format, style), judges could not read too many of them, the split was not as drawn, or a person stopped it.

    Different is not bad: look at the pairs, then ``wolfnote canary resume``, which accepts what was seen.
    """
    return [
        Finding(
            "WN502", "warning", f"held: {d.state.why}", d.state.experiment, remedy="look at its pairs, then resume or roll back"
        )
        for d in decisions
        if d.state.stage is Stage.HOLD
    ]
