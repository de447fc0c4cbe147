"""What an audit's folder says about the audit: which data, how many rows, by which rules."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec

from wolfnote.audit import facts, gate
from wolfnote.errors import InputError
from wolfnote.folder import content_hash, read_result
from wolfnote.records import Reading
from wolfnote.settings import Policy

REMEDY = "give the folder of a finished 'wolfnote audit'"


class Provenance(msgspec.Struct, frozen=True):
    """What a finished audit's folder holds of it. ``population`` and ``unread`` are rows of the data that could and
    that could not be parsed, ``read`` those that a model has read; ``inputs`` are hashes."""

    run_id: str
    data: tuple[str, ...]
    population: int
    unread: int
    read: int
    inputs: dict[str, str]
    author: str
    gate: gate.Settings
    policy: Policy
    reading: Reading

    def unchanged(self) -> list[Path]:
        """The data, as they were audited. Raises ``InputError`` for a file that is gone or holds something else now."""
        known = set(self.inputs.values())
        for place in map(Path, self.data):
            if not place.exists():
                raise InputError("the audited data are not here", where=str(place), remedy="run from where the audit ran")
            if content_hash(place) not in known:
                raise InputError("the data were changed since the audit", where=str(place), remedy="audit them again")
        return [Path(place) for place in self.data]


def read(run: Path) -> Provenance:
    """The provenance of a finished audit. Raises ``InputError`` when the folder holds none."""
    if not (run / "result.json").is_file():
        raise InputError("no finished audit here", where=str(run), remedy=REMEDY)
    try:
        about = json.loads((run / "run.json").read_text(encoding="utf-8"))
        tables = tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
        population, unread, read = _rows(run)
        return Provenance(
            run_id=str(about["run_id"]),
            data=tuple(map(str, about["data"])),
            population=population,
            unread=unread,
            read=read,
            inputs=msgspec.convert(about["inputs"], dict[str, str]),
            author=str(tables.get("audit", {}).get("author", "")),
            gate=msgspec.convert(tables.get("gate", {}), gate.Settings),
            policy=msgspec.convert(tables.get("policy", {}), Policy),
            reading=msgspec.convert(tables.get("data", {}), Reading),
        )
    except KeyError as error:
        raise InputError(f"it does not say {error}", where=str(run), remedy=REMEDY) from None
    except (OSError, ValueError, TypeError, msgspec.ValidationError) as error:
        raise InputError(f"not an audit's folder ({error})", where=str(run), remedy=REMEDY) from None


def _rows(run: Path) -> tuple[int, int, int]:
    """Rows of the data that could be parsed, that could not, and that a model read, by the audit's table of coverage."""
    result = read_result(run)
    table = result.tables.get("coverage") if result and result.kind == "audit" else None
    if table is None:
        raise KeyError("coverage")
    with facts.tables(coverage=[run / table]) as connection:
        sql = "SELECT count(row), count(*) - count(row), count(*) FILTER (WHERE tier_2) FROM coverage"
        parsed, unread, read = connection.execute(sql).fetchall()[0]
    return parsed, unread, read
