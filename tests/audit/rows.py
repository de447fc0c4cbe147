"""Rows and runs that tests of the engine share."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from wolfnote import Message, audit, records
from wolfnote.audit.detector import Flag
from wolfnote.folder import RunFolder
from wolfnote.records import Sample
from wolfnote.results import Result

WORDS = [
    "kettle", "garden", "window", "paper", "orange", "bicycle", "winter", "letter", "river", "music", "bottle", "carpet", "ladder",
    "pencil", "bakery", "island", "planet", "summer", "ticket", "wallet", "basket", "candle", "engine", "forest", "hammer", "jacket",
    "kitchen", "lemon", "market", "needle", "office", "parcel", "quarter", "rabbit", "saddle", "tunnel", "umbrella", "valley",
]  # fmt: skip


def turn(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [turn("user", question), turn("assistant", answer)]}


def sample(*turns: tuple[str, str], source: str = "d.jsonl:1") -> Sample:
    return records.sample([Message(role, text) for role, text in turns], source)  # type: ignore[arg-type]


def asked(question: str, answer: str, source: str = "d.jsonl:1") -> Sample:
    return sample(("user", question), ("assistant", answer), source=source)


SMALL = ["the", "of", "and", "is", "in", "to", "a", "with", "for", "that"]


def sentence(seed: int, words: int = 20) -> str:
    """Words in no sense, with the small ones by which English is known."""
    rng = random.Random(seed)
    return " ".join(f"{rng.choice(SMALL)} {word}" for word in rng.choices(WORDS, k=words)).capitalize() + "."


def plain(n: int, start: int = 0) -> list[dict[str, Any]]:
    """Rows with nothing wrong, each of its own words."""
    return [chat(f"Tell me about {sentence(i, 6)}", sentence(10_000_019 + i)) for i in range(start, start + n)]


def write(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def run(
    paths: Sequence[Path] | Path,
    out: Path,
    settings: audit.Settings = audit.Settings(),  # noqa: B008 - frozen
    readers: Callable[[], Sequence[Any]] = tuple,
    **more: Any,
) -> Result:
    with RunFolder.hold(out, settings) as folder:
        every = [paths] if isinstance(paths, Path) else paths
        return folder.finish(audit.run_files(every, settings, readers, folder=folder, **more))


def findings(out: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT {columns} FROM '{out}/tables/findings.parquet' ORDER BY ALL").fetchall()  # noqa: S608


def coverage(out: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT {columns} FROM '{out}/tables/coverage.parquet' ORDER BY ALL").fetchall()  # noqa: S608


def draw(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "draw.jsonl").read_text(encoding="utf-8").split("\n") if line]


def flags_of(detector: Any, row: Sample) -> list[Flag]:
    (reading,) = detector.read([row])
    assert isinstance(reading, list | tuple), reading
    return list(reading)


def concluded(survey: Any, samples: Sequence[Sample], folder: Path, shard: int = 7) -> dict[int, Flag]:
    """A survey's flags over samples that came in shards, by row."""
    from wolfnote.audit import columns

    files = []
    for start in range(0, len(samples), shard):
        facts = list(survey.note(samples[start : start + shard], start))
        file = folder / f"facts-{start}.parquet"
        columns.write_facts(file, facts)
        files += [file] if facts else []
    return dict(survey.conclude(files))
