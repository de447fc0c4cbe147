"""Calibrations from rows that people judged: the same curve and errors, on the user's own data.

Made from what a run holds, its scores and its labels; no model is opened. Of the draw only the random part counts: the risky
rows were picked by detectors, and a reader's errors on them are not its errors on the data. Each row is its own topic: the
errors are stated for further rows of the same data, not for other data.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wolfnote.audit import counted, labels, scores
from wolfnote.audit.reader import Reader
from wolfnote.audit.readers import calibration, rubric
from wolfnote.audit.readers.calibration import Calibration, Labelled, fit
from wolfnote.audit.scores import Said, Stated
from wolfnote.errors import InputError


def of_run(run: Path) -> list[Calibration]:
    """Calibrations of an audit's readers by its review. Raises ``InputError`` like ``calibrate``, and for no audit."""
    found, table = scores.load(run), counted.Tables(run).scores
    if not found.readers or not table.is_file():
        raise InputError("no reader has read here", where=str(run), remedy="audit with a model or a judge")
    return calibrate(found.readers, scores.read(table), labels.settled(labels.journal(run).read()), source=str(run))


def calibrate(
    readers: Sequence[Stated], said: Sequence[Said], judgements: Mapping[str, Collection[str]], source: str
) -> list[Calibration]:
    """A calibration for each reader whose category was found, and not found, often enough among the random rows judged.

    ``judgements``: the categories that people settled on, by row id; none = clean. Rows without a judgement are left out.
    Raises ``InputError`` where no category has enough rows.
    """
    found = []
    for number, every in itertools.groupby(said, key=lambda one: one.reader):
        new = _calibrated(readers[number], list(every), judgements, source)
        found += [new] if new else []
    if not found:
        few = calibration.FEWEST
        remedy = f"review until a category has {few} rows, and {few} others are clean of it"
        raise InputError("no category was found often enough to calibrate by", where=source, remedy=remedy)
    return found


def recalibrated(readers: Sequence[Reader], path: Path) -> list[Reader]:
    """The readers under the calibrations of a file; a reader that it does not name stays as it was.

    Raises ``InputError`` for a file that was made with other weights.
    """
    own = {(c.code, c.category): c for c in calibration.load(path)}
    return [_under(reader, own.get((reader.code, reader.category)), path) for reader in readers]


def _under(reader: Any, new: Calibration | None, path: Path) -> Any:
    if new is None:
        return reader
    if new.model != reader.calibration.model:
        remedy = "calibrate again with the model that reads, or name the one that it was made with"
        raise InputError(f"made for the model {new.model}, not {reader.calibration.model}", where=str(path), remedy=remedy)
    return replace(reader, calibration=new)


def _calibrated(
    reader: Stated, said: Sequence[Said], judgements: Mapping[str, Collection[str]], source: str
) -> Calibration | None:
    """None where the category was found, or not found, too seldom."""
    old = reader.calibration
    judged = [one for one in said if one.part == "random" and one.value is not None and one.id in judgements]
    harmful = np.array([reader.category in judgements[one.id] for one in judged], bool)
    if old is None or min(harmful.sum(), (~harmful).sum()) < calibration.FEWEST:
        return None
    values = np.array([one.value for one in judged])
    raw = values if reader.code == rubric.CODE else old.score(values)  # a judge reports what was calibrated
    labelled = Labelled(raw, harmful, [one.id for one in judged])
    fixed = rubric.THRESHOLD if reader.code == rubric.CODE else None
    return fit(labelled, code=reader.code, category=reader.category, model=old.model, source=source, threshold=fixed)
