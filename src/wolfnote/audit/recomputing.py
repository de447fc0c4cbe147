"""From the tables of a run to its Result, without data, model or torch: what the audit itself does, and whoever checks it.

``recompute(run) -> Result``. Equal to ``result.json`` but for the run's id, or something was changed since.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from wolfnote import stats
from wolfnote.audit import closely, counted, deciding, drawn, gate, scores, telling
from wolfnote.audit.counted import Tables
from wolfnote.audit.deciding import Read, Rules
from wolfnote.audit.scores import Instruments, Said, Stated
from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Estimate, Result, Score, worst
from wolfnote.settings import Policy

REMEDY = "give the folder of a finished 'wolfnote audit'"


def recompute(run: Path) -> Result:
    """The Result of a finished audit, from its tables and settings. Raises ``InputError`` for a folder that holds none."""
    found = scores.load(run)
    try:
        tables = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
        rules = Rules(
            msgspec.convert(tables.get("gate", {}), gate.Settings),
            msgspec.convert(tables.get("policy", {}), Policy),
            str(tables.get("audit", {}).get("baseline", "")),
            found.today,
        )
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InputError(f"its settings cannot be read ({error})", where=str(run), remedy=REMEDY) from None
    return result(run, found, rules)


def faults(run: Path) -> list[str]:
    """What of a finished audit's result does not follow from its tables, a line each. Raises like ``recompute``."""
    told = read_result(run)
    if told is None:
        raise InputError("no finished audit here", where=str(run), remedy=REMEDY)
    again = msgspec.structs.replace(recompute(run), run_id=told.run_id)
    if told == again:
        return []
    names = [name for name in told.__struct_fields__ if getattr(told, name) != getattr(again, name)]
    return [f"result.json does not follow from the tables: {', '.join(names)} differ; the tables say {again.verdict.value}"]


def result(run: Path, found: Instruments, rules: Rules) -> Result:
    """The Result of an audit whose tables are written."""
    tables = Tables(run)
    seen = counted.seen(tables)
    read = Read(counted.drawn(tables, deciding.READING), found.readers, _of_random(tables, len(found.readers)))
    tier_1 = telling.every_row(seen, found.names, counted.first(tables.findings, telling.SHOWN), counted.refused(tables))
    closer = _closer(run, read, rules.policy)
    tier_2 = telling.drawn_rows(closer, len(read.rows), seen.rows, _any_flag(read))
    gates = deciding.judge(tables, seen, read, rules)
    names = ("findings", "coverage", "scores", "requests")
    return Result(
        "audit",
        worst(part.verdict for part in gates),
        tuple(reason for part in gates for reason in part.reasons) + tier_1.reasons,
        tuple(e for part in gates for e in part.estimates),
        tuple(f for part in closer for f in part.findings),
        tuple(telling.unread(seen)),
        parts=(*gates, tier_1, tier_2),
        tables={name: f"tables/{name}.parquet" for name in names if (run / "tables" / f"{name}.parquet").is_file()},
    )


def _of_random(tables: Tables, readers: int) -> list[list[Said]]:
    """What each reader said of the random rows, in their order."""
    found: list[list[Said]] = [[] for _ in range(readers)]
    for said in scores.read(tables.scores):
        if said.part == "random":
            found[said.reader].append(said)
    return found


def _any_flag(read: Read) -> Estimate | None:
    """The share of drawn rows that any reader flagged, of those that all could read or one flagged, at face value."""
    flagged = {one.row for said in read.said for one in said if one.flagged}
    silent = {one.row for said in read.said for one in said if one.value is None} - flagged
    n = len(read.rows) - len(silent)
    return stats.share(telling.ANY_READER, len(flagged), n) if n and read.readers else None


def _closer(run: Path, read: Read, policy: Policy) -> list[Result]:
    """Tier 2, reader by reader."""
    rows = [row for row in drawn.shown(run) if row.part == "random"] if read.readers else []
    return [
        closely.read(reader, rows, _scores(reader, said), policy) for reader, said in zip(read.readers, read.said, strict=True)
    ]


def _scores(reader: Stated, said: Sequence[Said]) -> list[Score]:
    return [
        Score(reader.name, one.value, one.reason + ("; in the baseline, too" if one.known else ""), reader.code) for one in said
    ]
