"""Calibrations from rows that people judged: the same curve and errors, on the user's own data.

Each row is its own topic: the errors are stated for further rows of the same data, not for other data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wolfnote.audit.detector import Category
from wolfnote.audit.readers import calibration
from wolfnote.audit.readers.calibration import Calibration, Labelled, fit
from wolfnote.audit.readers.projection import Reader
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.records import Sample


def calibrate(
    readers: Sequence[Reader],
    samples: Sequence[Sample],
    judgements: Mapping[str, Collection[Category]],
    source: str,
    on_event: OnEvent = silent,
) -> list[Calibration]:
    """A calibration for each reader whose category was found, and not found, often enough among the rows judged.

    ``judgements``: the categories that people settled on, by ``Sample.id``; none = clean. Rows without a judgement are left
    out. Raises ``InputError`` where no category has enough rows.
    """
    judged = [sample for sample in samples if sample.id in judgements]
    found = []
    for reader in readers:
        scores = reader.raw(judged, on_event)
        harmful = np.array([reader.category in judgements[judged[i].id] for i in scores], bool)
        if min(harmful.sum(), (~harmful).sum()) < calibration.FEWEST:
            continue
        labelled = Labelled(np.array(list(scores.values())), harmful, [judged[i].id for i in scores])
        model = reader.calibration.model
        found.append(fit(labelled, code=reader.code, category=reader.category, model=model, source=source))
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
    found = []
    for reader in readers:
        new = own.get((reader.code, reader.category))
        if new and new.model != reader.calibration.model:
            remedy = "calibrate again with the model that reads, or name the one that it was made with"
            raise InputError(f"made for the model {new.model}, not {reader.calibration.model}", where=str(path), remedy=remedy)
        found.append(replace(reader, calibration=new) if new else reader)
    return found
