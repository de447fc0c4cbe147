"""An audit's Result by the audit's own ``recompute``, after the tables that it reads have been held against each other.

The draw is repeated from coverage and seed; each drawn row's content must be what its id is the hash of (withheld content has
none); what the readers said must be what the log says they said.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote import records
from wolfnote.audit import draw, drawn, facts, recomputing, scores
from wolfnote.audit.counted import Tables
from wolfnote.audit.scores import Said
from wolfnote.audit.settings import Settings
from wolfnote.errors import InputError
from wolfnote.folder import logged
from wolfnote.records import Sample, turns
from wolfnote.results import Result, Score

ROWS = "SELECT row, id, path, line, draw FROM coverage WHERE row IS NOT NULL ORDER BY row"
VEILED = "sha256:"


def recompute(run: Path) -> Result:
    """The Result as it follows from the rows. Raises ``InputError`` where rows are missing or contradict each other."""
    settings = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8")).get("audit", {})
    _draw(run, msgspec.convert(settings, Settings))
    _said(run)
    return recomputing.recompute(run)


def _draw(run: Path, settings: Settings) -> None:
    """The random rows are those of lowest rank, in coverage and in ``draw.jsonl`` alike."""
    with facts.tables(coverage=[Tables(run).coverage]) as connection:
        every = list(facts.rows(connection, ROWS))
    ranked = sorted(every, key=lambda row: (_rank(settings.seed, row), row[0]))[: settings.limit]
    chosen = sorted(row[:2] for row in ranked)
    covered = [row[:2] for row in every if row[4] == "random"]
    lines = list(_lines(run / drawn.FILE))
    kept = [line["row"] for line in lines if line["part"] == "random"]
    if covered != chosen or kept != [row for _, row in chosen]:
        raise InputError("its rows are not the draw of this seed from these data", where=drawn.FILE)
    for line in lines:
        _content(line)


def _rank(seed: int, row: tuple[Any, ...]) -> int:
    _, identity, path, line, _ = row
    return draw.rank(seed, Sample(identity, (), f"{path}:{line}" if line else path))


def _content(line: dict[str, Any]) -> None:
    spoken = {name: tuple(turns.parse(line.get(name, []), {})) for name in ("messages", "rejected")}
    if all(message.content.startswith(VEILED) or not message.content for message in spoken["messages"]):
        return
    if records.digest(spoken["messages"], spoken["rejected"])[:16] != line["row"]:
        raise InputError("the content of a drawn row is not what its id is the hash of", where=f"draw.jsonl: {line['row']}")


def _said(run: Path) -> None:
    """The table of scores and the log hold the same, reader by reader."""
    log = logged(run)
    by_reader: dict[int, list[Said]] = {}
    for said in scores.read(Tables(run).scores):
        by_reader.setdefault(said.reader, []).append(said)
    for number, reader in enumerate(scores.load(run).readers):
        key = f"read/{number}/{reader.code}"
        if key not in log:
            raise InputError(f"the log lacks {key}", where="records.jsonl")
        table, told = by_reader.get(number, []), [score.value for score in msgspec.convert(log[key], list[Score])]
        random = [one.value for one in table if one.part == "random"]
        risky = [one.value for one in table if one.part == "risk"]
        if told[: len(random)] != random or _sorted(told[len(random) :]) != _sorted(risky):
            raise InputError(f"what {reader.code} said is not what the log says", where="tables/scores.parquet")
        if any(one.flagged != (one.value is not None and one.value > reader.threshold) for one in table):
            raise InputError(f"a row is flagged otherwise than {reader.code}'s threshold has it", where="tables/scores.parquet")


def _sorted(values: Sequence[float | None]) -> list[float]:
    return sorted(-1.0 if value is None else value for value in values)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise InputError("is not there", where=path.name)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise InputError("not a row", where=f"{path.name}:{number}") from None
