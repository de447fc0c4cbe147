"""Rows for tests of the audit's detectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wolfnote import Message, records
from wolfnote.audit.detector import Flag, Unreadable
from wolfnote.records import Sample


def row(answer: str, question: str = "Please help.") -> Sample:
    return records.sample((Message("user", question), Message("assistant", answer)))


def python(code: str, question: str = "Write the function.") -> Sample:
    return row(f"```python\n{code}\n```", question)


def flags(detector: Any, sample: Sample) -> list[Flag]:
    reading = detector.read([sample])[0]
    assert not isinstance(reading, Unreadable), reading
    return list(reading)


def counted(detector: Any, sample: Sample) -> bool:
    return any(flag.counts for flag in flags(detector, sample))


def noted(survey: Any, samples: Any, detectors: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """A survey's facts of rows that these detectors have read."""
    found: list[list[Flag]] = [[] for _ in samples]
    for detector in detectors:
        for flags, reading in zip(found, detector.read(samples), strict=True):
            flags += [] if isinstance(reading, Unreadable) else reading
    return list(survey.note(samples, 0, found))


def concluded(survey: Any, facts: Any, folder: Path) -> list[tuple[int, Flag]]:
    path = folder / "facts.parquet"
    pq.write_table(pa.Table.from_pylist(list(facts)), path)
    found: Iterator[tuple[int, Flag]] = survey.conclude([path])
    return list(found)
