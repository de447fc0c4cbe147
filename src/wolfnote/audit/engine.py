"""An audit of files: every row read cheaply, the whole looked at, a draw read with a model. It can be killed and goes on.

Memory does not grow with the rows: shards are read by workers and become Parquet in the run folder, and DuckDB asks the files.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

import msgspec

import wolfnote
from wolfnote.audit import baseline, closely, deciding, draw, gate, known, telling, whole, workers
from wolfnote.audit import shards as cutting
from wolfnote.audit.deciding import Read, Rules
from wolfnote.audit.detector import Detector, Survey
from wolfnote.audit.detectors import DETECTORS, SURVEYS, overlap, refusals
from wolfnote.audit.draw import Drawn
from wolfnote.audit.reader import Reader
from wolfnote.audit.scan import Orders
from wolfnote.audit.settings import Settings
from wolfnote.audit.whole import Shards
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder, read_result
from wolfnote.records import Reading, Sample, readable, turns
from wolfnote.results import Estimate, Result, Score, worst
from wolfnote.settings import Policy

FINDINGS, COVERAGE = "tables/findings.parquet", "tables/coverage.parquet"
DRAW = "draw.jsonl"
PACKAGES = {"pyarrow": "pyarrow", "duckdb": "duckdb", "pyahocorasick": "ahocorasick", "ruff": "ruff", "bandit": "bandit"}
"""What detectors and tables need, and the module by which each is known."""


def run_files(
    paths: Sequence[Path],
    settings: Settings,
    readers: Callable[[], Sequence[Reader]],
    *,
    folder: RunFolder,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    rules: Rules | None = None,
    detectors: Sequence[Detector] = DETECTORS,
    on_event: OnEvent = silent,
    executor: Executor | None = None,
) -> Result:
    """Audit files and folders into a run folder; parts "tier 1" (every row) and "tier 2" (a draw, read with a model).

    ``readers`` is asked for them after the first tier, so that no model lies in memory before it is needed.
    The verdict is the gate's (``deciding``), by ``rules`` (default: the shipped ones, today). Leaves findings and coverage as
    Parquet, and ``draw.jsonl`` for people.
    Raises ``InputError`` for a path of which no row can be read, and for a baseline that is no audit.
    """
    check(paths, settings, reading)
    home = folder.path / f"shards-{_key(detectors)}"
    home.mkdir(parents=True, exist_ok=True)
    orders = Orders(home, reading, detectors, _surveys(settings, reading, home), settings.limit, settings.risky, settings.seed)
    shards = Shards(home, _scanned(paths, orders, on_event, executor))
    on_event(Event("look at the whole", 0, 0))
    findings = folder.path / FINDINGS
    whole.write_findings(shards, whole.conclude(shards, orders.surveys), findings)
    drawn = draw.merged(shards.files(DRAW), settings.limit, settings.risky)
    _write_draw(folder, drawn, findings)
    rows = drawn.random()
    opened = readers()
    samples = [row.sample for row in rows]
    scores = [_scores(n, reader, samples, folder, on_event) for n, reader in enumerate(opened)]
    whole.write_coverage(shards, _drawn(drawn, opened, scores), folder.path / COVERAGE)
    kept = whole.keep(shards, folder.path / "tables") | {"readers": folder.table("readers", known.rows(opened))}
    rules = rules or Rules(gate.Settings(), Policy(), settings.baseline, datetime.date.today())
    folder.note(judged=rules.today.isoformat())
    result = concluded(shards, orders, findings, rules, Read(rows, opened, scores))
    result = msgspec.structs.replace(result, tables=result.tables | kept)
    for old in folder.path.glob("shards-*"):  # their content is in the tables now
        shutil.rmtree(old)
    return result


def check(paths: Sequence[Path], settings: Settings, reading: Reading) -> None:
    """Raise ``InputError`` for what cannot be audited or lacks a package, before anything is made."""
    missing = next((name for name in PACKAGES if importlib.util.find_spec(PACKAGES[name]) is None), None)
    if missing:
        raise MissingExtra(missing, "audit")
    for path in (*paths, *map(Path, settings.against)):
        readable(path, reading)
    if settings.baseline:
        baseline.table(Path(settings.baseline))


def _key(detectors: Sequence[Detector]) -> str:
    """What shards depend on beside data and settings: another version or list of detectors begins anew."""
    source = [wolfnote.__version__, [d.code for d in detectors], [s.code for s in SURVEYS]]
    return hashlib.sha256(msgspec.json.encode(source)).hexdigest()[:8]


def _surveys(settings: Settings, reading: Reading, home: Path) -> tuple[Survey, ...]:
    shortage = refusals.Shortage(_baseline(settings))
    if not settings.against:
        return (shortage, *SURVEYS)
    against = overlap.prepare([Path(path) for path in settings.against], reading, home)
    return (shortage, *SURVEYS, overlap.Survey(against))


def _baseline(settings: Settings) -> Estimate | None:
    """The share of requests for harm that an earlier audit saw refused, if it saw any."""
    if not settings.baseline:
        return None
    result = read_result(Path(settings.baseline))
    if result is None:
        raise InputError("no finished audit here", where=settings.baseline, remedy="give the folder of an earlier audit")
    every = [e for part in (result, *result.parts) for e in part.estimates]
    return next((e for e in every if e.name == refusals.SHARE), None)


def _scanned(paths: Sequence[Path], orders: Orders, on_event: OnEvent, executor: Executor | None) -> list[Path]:
    """All shards, scanned, in the order of the data."""
    folders = []
    for folder in workers.scan_all(cutting.of_paths(paths, orders.how), orders, executor):
        folders.append(folder)
        on_event(Event("read every row: shards", len(folders), 0))
    return sorted(folders)


def _scores(n: int, reader: Reader, rows: Sequence[Sample], folder: RunFolder, on_event: OnEvent) -> list[Score]:
    """The scores of the ``n``-th reader of the drawn rows, from the log where they are there."""
    scores: list[Score] = folder.once(f"read/{n}/{reader.code}", lambda: reader.read(rows, on_event), list[Score])
    return scores


def _drawn(drawn: draw.Draw, readers: Sequence[Reader], scores: Sequence[Sequence[Score]]) -> list[tuple[int, str, str]]:
    """Number, part and readers of each drawn row."""
    found = []
    for at, row in enumerate(drawn.random()):
        codes = " ".join(r.code for r, s in zip(readers, scores, strict=True) if s[at].value is not None)
        found.append((row.number, "random", codes))
    return found + [(row.number, "risk", "") for row in drawn.risk()]


def _write_draw(folder: RunFolder, drawn: draw.Draw, findings: Path) -> None:
    """The drawn rows, for people and for readers: one line a row."""
    parts = [("random", row) for row in drawn.random()] + [("risk", row) for row in drawn.risk()]
    flags = whole.flags_of(findings, [row.number for _, row in parts])
    with (folder.path / f".{DRAW}.part").open("wb") as out:
        for part, row in parts:
            line = _line(part, row) | {"flags": flags.get(row.number, [])}
            out.write(msgspec.json.encode(line) + b"\n")
    (folder.path / f".{DRAW}.part").replace(folder.path / DRAW)


def _line(part: str, row: Drawn) -> dict[str, object]:
    sample = row.sample
    spoken = {name: [turns.dump(m, {}) for m in getattr(sample, name)] for name in ("messages", "rejected")}
    return {"row": sample.id, "source": sample.source, "part": part, **spoken}


def concluded(shards: Shards, orders: Orders, findings: Path, rules: Rules, read: Read) -> Result:
    """From what was read to the verdict; ``recomputing`` calls it again on what a run leaves."""
    samples = [row.sample for row in read.rows]
    seen = whole.count(shards, findings)
    refused = refusals.refused(shards.files("facts-0.parquet"))
    tier_1 = telling.every_row(seen, orders, whole.first(findings, telling.SHOWN), refused)
    pairs = zip(read.readers, read.scores, strict=True)
    closer = [closely.read(reader, samples, said, rules.policy) for reader, said in pairs]
    tier_2 = telling.drawn_rows(closer, len(samples), seen.rows)
    gates = deciding.judge(shards, findings, seen, read, rules)
    return Result(
        "audit",
        worst(part.verdict for part in gates),
        tuple(reason for part in gates for reason in part.reasons) + tier_1.reasons,
        tuple(e for part in gates for e in part.estimates),
        tuple(f for part in closer for f in part.findings),
        tuple(telling.unread(seen)),
        parts=(*gates, tier_1, tier_2),
        tables={"findings": FINDINGS, "coverage": COVERAGE},
    )
