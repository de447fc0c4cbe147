"""A finished audit's Result, computed again from what lies in its folder: no model, no data, no network.

Coverage says which rows there were and which were drawn; the draw is repeated from it. Findings, the rows that a detector
could not read, the readers' scores (in the log) and their errors give counts, estimates and verdict by the run's own function.
"""

from __future__ import annotations

import datetime
import json
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import records
from wolfnote.audit import draw, drawn, engine, facts, gate, whole
from wolfnote.audit.deciding import Read, Rules
from wolfnote.audit.detectors import DETECTORS, SURVEYS, overlap, refusals
from wolfnote.audit.draw import Drawn
from wolfnote.audit.known import Known
from wolfnote.audit.scan import Orders
from wolfnote.audit.settings import Settings
from wolfnote.audit.whole import Shards
from wolfnote.errors import InputError
from wolfnote.folder import logged
from wolfnote.records import Reading, Sample, turns
from wolfnote.results import Result, Score
from wolfnote.settings import Policy

ROWS = "SELECT row, id, path, line FROM coverage WHERE row IS NOT NULL ORDER BY row"
UNREAD = "SELECT path, line, reason FROM coverage WHERE row IS NULL"


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing, contradict each other, or were not
    kept: an audit of an older version, or one compared with a baseline that lies elsewhere."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    tables = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
    settings = msgspec.convert(tables.get("audit", {}), Settings)
    if settings.baseline:
        raise InputError("it was compared with another run", where=settings.baseline, remedy="audit without --baseline")
    policy = msgspec.convert(tables.get("policy", {}), Policy)
    day = datetime.date.fromisoformat(about["judged"])
    rules = Rules(msgspec.convert(tables.get("gate", {}), gate.Settings), policy, "", day)
    rows = _rows(run, settings)
    readers = _readers(run)
    orders = Orders(run, Reading(), DETECTORS, _surveys(settings), settings.limit, settings.risky, settings.seed)
    with _shards(run) as shards:
        read = Read(rows, readers, _scores(run, readers, len(rows)))
        found = engine.concluded(shards, orders, run / engine.FINDINGS, rules, read)
    kept = {name: f"tables/{name}.parquet" for name in whole.KEPT if (run / f"tables/{name}.parquet").is_file()}
    return msgspec.structs.replace(found, tables=found.tables | kept | {"readers": "tables/readers.jsonl"})


def _rows(run: Path, settings: Settings) -> list[Drawn]:
    """The random draw, by number; it must be the draw of this seed, and ``draw.jsonl`` must hold just these rows."""
    with facts.tables(coverage=[run / engine.COVERAGE]) as connection:
        every = list(facts.rows(connection, ROWS))
    ranked = sorted(every, key=lambda row: (_rank(settings.seed, row), row[0]))[: settings.limit]
    chosen = sorted(ranked)
    kept = [line for line in _lines(run / drawn.FILE) if line["part"] == "random"]
    if [line["row"] for line in kept] != [row[1] for row in chosen]:
        raise InputError("its rows are not the draw of this seed from these data", where=str(run / drawn.FILE))
    return [Drawn(0, number, (0, 0), _sample(line)) for (number, *_), line in zip(chosen, kept, strict=True)]


def _rank(seed: int, row: tuple[Any, ...]) -> int:
    _, identity, path, line = row
    source = f"{path}:{line}" if line else path
    return draw.rank(seed, Sample(identity, (), source))


def _sample(line: dict[str, Any]) -> Sample:
    """A drawn row. Its id is the hash of its content: content that was changed no longer has it (withheld content has none)."""
    spoken = {name: tuple(turns.parse(line.get(name, []), {})) for name in ("messages", "rejected")}
    withheld = all(m.content.startswith("sha256:") for m in spoken["messages"])
    if not withheld and records.digest(spoken["messages"], spoken["rejected"])[:16] != line["row"]:
        raise InputError("the content of a drawn row is not what its id is the hash of", where=f"draw.jsonl: {line['row']}")
    return Sample(line["row"], spoken["messages"], line["source"], rejected=spoken["rejected"])


def _readers(run: Path) -> list[Known]:
    path = run / "tables" / "readers.jsonl"
    if not path.is_file():
        raise InputError("it does not say how often its readers err", where=str(path), remedy="audit again with this version")
    return [msgspec.convert(line, Known) for line in _lines(path)]


def _scores(run: Path, readers: Sequence[Known], n: int) -> list[list[Score]]:
    log = logged(run)
    try:
        found = [msgspec.convert(log[f"read/{i}/{reader.code}"], list[Score]) for i, reader in enumerate(readers)]
    except KeyError as error:
        raise InputError(f"the log lacks {error}", where=str(run / "records.jsonl")) from None
    if any(len(scores) != n for scores in found):
        raise InputError(f"a reader's scores are not those of {n} drawn rows", where=str(run / "records.jsonl"))
    return found


def _surveys(settings: Settings) -> tuple[Any, ...]:
    """Only their codes and names are needed: what they found lies in the findings."""
    return (refusals.Shortage(None), *SURVEYS, *([overlap.Survey] if settings.against else []))


@contextmanager
def _shards(run: Path) -> Iterator[Shards]:
    """What a run leaves, as the one shard that it all might have been."""
    with tempfile.TemporaryDirectory(prefix="wolfnote-") as home:
        folder = Path(home)
        with facts.tables(coverage=[run / engine.COVERAGE]) as connection:
            for name, sql in (("rows", ROWS), ("unread", UNREAD)):
                connection.sql(sql).write_parquet(str(folder / f"{name}.parquet"))
        for name, file in whole.KEPT.items():
            source = run / "tables" / f"{name}.parquet"
            if source.is_file():
                (folder / file).write_bytes(source.read_bytes())
        yield Shards(folder, [folder])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise InputError("not a row", where=f"{path}:{number}") from None
