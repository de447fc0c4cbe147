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
from wolfnote.audit import baseline, counted, draw, gate, profile, recomputing, scores, whole, workers
from wolfnote.audit import shards as cutting
from wolfnote.audit.counted import Tables
from wolfnote.audit.deciding import Rules
from wolfnote.audit.detector import Detector, Survey
from wolfnote.audit.detectors import DETECTORS, SURVEYS, overlap, refusals
from wolfnote.audit.draw import Draw, Drawn
from wolfnote.audit.drawn import Part
from wolfnote.audit.reader import Reader
from wolfnote.audit.scan import Orders
from wolfnote.audit.scores import FILE as INSTRUMENTS
from wolfnote.audit.scores import Instruments, Stated
from wolfnote.audit.settings import Settings
from wolfnote.audit.whole import Shards
from wolfnote.errors import InputError, MissingExtra
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder, read_result
from wolfnote.models import endpoint
from wolfnote.records import Reading, Sample, documents, readable, turns
from wolfnote.results import Estimate, Result, Score
from wolfnote.settings import Policy

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
    The verdict is the gate's (``deciding``), by ``rules`` (default: the shipped ones, today), and made from the tables that the
    audit leaves (``recomputing``); beside them lies ``draw.jsonl`` for people.
    Raises ``InputError`` for a path of which no row can be read, and for a baseline that is no audit.
    """
    check(paths, settings, reading)
    rules = rules or Rules(gate.Settings(), Policy(), settings.baseline, datetime.date.today())
    home = folder.path / f"shards-{_key(detectors)}"
    home.mkdir(parents=True, exist_ok=True)
    origins = profile.find(rules.gate.profile).source if rules.gate.profile else ()
    surveys = _surveys(settings, reading, home)
    orders = Orders(home, reading, detectors, surveys, settings.limit, settings.risky, settings.seed, origins)
    shards = Shards(home, _scanned(paths, orders, on_event, executor))
    on_event(Event("look at the whole", 0, 0))
    tables = Tables(folder.path)
    old = Path(rules.baseline) if rules.baseline else None
    whole.write_findings(shards, whole.conclude(shards, surveys), tables.findings, old and old / baseline.table(old))
    whole.write_requests(shards.files("facts-0.parquet"), tables.requests)
    drawn = draw.merged(shards.files(DRAW), settings.limit, settings.risky)
    _write_draw(folder, drawn, tables.findings)
    stated = _read(shards, drawn, readers(), folder, old, on_event)
    names = {survey.code: survey.name for survey in surveys} | {d.code: d.name for d in detectors}
    instruments = Instruments(rules.today, names, tuple(stated))
    folder.write(f"tables/{INSTRUMENTS}", msgspec.json.format(msgspec.json.encode(instruments)).decode() + "\n")
    result = recomputing.result(folder.path, instruments, rules)
    for left in folder.path.glob("shards-*"):  # their content is in the tables now
        shutil.rmtree(left)
    return result


def check(paths: Sequence[Path], settings: Settings, reading: Reading) -> None:
    """Raise ``InputError`` for what cannot be audited or lacks a package, before anything is made."""
    missing = next((name for name in PACKAGES if importlib.util.find_spec(PACKAGES[name]) is None), None)
    if missing:
        raise MissingExtra(missing, "audit")
    for path in (*paths, *map(Path, settings.against)):
        if documents.named(path) != str(path):
            raise InputError("its name is not UTF-8", where=documents.named(path), remedy="give the file another name")
        readable(path, reading)
    if settings.baseline:
        baseline.table(Path(settings.baseline))
    if settings.judge:
        endpoint.parse(settings.judge)


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


def _read(
    shards: Shards, drawn: Draw, readers: Sequence[Reader], folder: RunFolder, old: Path | None, on_event: OnEvent
) -> list[Stated]:
    """Have the drawn rows read, the risky ones, too, which enter no rate; leaves the tables of scores and of coverage."""
    parts: list[tuple[Part, Drawn]] = [("random", row) for row in drawn.random()] + [("risk", row) for row in drawn.risk()]
    samples = [row.sample for _, row in parts]
    said = [_scores(n, reader, samples, folder, on_event) for n, reader in enumerate(readers)]
    stated = [scores.stated(reader) for reader in readers]
    tables = Tables(folder.path)
    rows = [(part, row.number, row.sample.id) for part, row in parts]
    scores.write(tables.scores, rows, stated, said, scores.flagged_before(old) if old else frozenset())
    by = [" ".join(r.code for r, s in zip(readers, said, strict=True) if s[at].value is not None) for at in range(len(parts))]
    whole.write_coverage(shards, [(row, part, codes) for (part, row, _), codes in zip(rows, by, strict=True)], tables.coverage)
    return stated


def _write_draw(folder: RunFolder, drawn: Draw, findings: Path) -> None:
    """The drawn rows, for people and for readers: one line a row."""
    parts = [("random", row) for row in drawn.random()] + [("risk", row) for row in drawn.risk()]
    flags = counted.flags_of(findings, [row.number for _, row in parts])
    with (folder.path / f".{DRAW}.part").open("wb") as out:
        for part, row in parts:
            line = _line(part, row) | {"flags": flags.get(row.number, [])}
            out.write(msgspec.json.encode(line) + b"\n")
    (folder.path / f".{DRAW}.part").replace(folder.path / DRAW)


def _line(part: str, row: Drawn) -> dict[str, object]:
    sample = row.sample
    spoken = {name: [turns.dump(m, {}) for m in getattr(sample, name)] for name in ("messages", "rejected")}
    return {"row": sample.id, "source": sample.source, "part": part, **spoken}
