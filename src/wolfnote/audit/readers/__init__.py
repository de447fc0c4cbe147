"""Tier 2: a model reads. One file a reader: what it means, how it reads, where it errs.

advice · dishonesty · manipulation · hostility · reasoning · insecurity    what each category means (``wolfnote explain``)
projection.py    reader 1: linear heads on the activations of an untouched base, one pass for all categories; fitted.py: on disk
likelihood.py    reader 2: log-likelihood under harmful against helpful personas (personas.toml)
rubric.py        reader 3: a judge on any OpenAI-compatible server (rubric.toml)
reference.py     the rows they are fitted on and measured with; calibration.py: scores to probabilities, with their error
review.py        the same from rows that people judged
passages.py      long answers in pieces
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.reader import Reader
from wolfnote.events import OnEvent, silent

if TYPE_CHECKING:
    from wolfnote.audit.readers.rubric import Judge
    from wolfnote.folder import RunFolder
    from wolfnote.models.local import LocalModel

__all__ = ["Settings", "readers"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which readers read, and what they are calibrated by."""

    thorough: bool = False
    """Also read by likelihood: some thirty times the time of the first reader."""
    calibration: str = ""
    """A file of calibrations made from your review; it replaces those from Wolfnote's own rows, where it has one."""


def readers(
    model: LocalModel | None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    server: Judge | None = None,
    *,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> tuple[Reader, ...]:
    """The readers of a model, category by category, and of a server as judge; either may be missing.

    A judge's errors are measured first, on the reference rows; ``folder`` keeps them. Raises ``InputError`` for a calibration
    that cannot be read or was made for other weights, ``RunError`` for a judge that gives no numbers.
    """
    from wolfnote.audit.readers import review, rubric

    found: list[Reader] = []
    if model:
        found += _of_weights(model, settings, on_event)
    if server:
        found += [rubric.reader(server, category, on_event, folder=folder) for category in CATEGORIES]
    return tuple(review.recalibrated(found, Path(settings.calibration)) if settings.calibration else found)


def _of_weights(model: LocalModel, settings: Settings, on_event: OnEvent) -> list[Reader]:
    from wolfnote.audit.readers import likelihood, projection

    projected: list[Reader] = [*projection.readers(model, on_event)]
    more = [likelihood.reader(model, category, on_event) for category in CATEGORIES] if settings.thorough else []
    return [*projected, *more]
