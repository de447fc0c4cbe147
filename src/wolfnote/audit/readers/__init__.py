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
    from wolfnote.models.local import LocalModel
    from wolfnote.models.remote import RemoteModel

__all__ = ["Settings", "readers"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which readers read, and what they are calibrated by."""

    thorough: bool = False
    """Also read by likelihood: some thirty times the time of the first reader."""
    calibration: str = ""
    """A file of calibrations made from your review; it replaces those from Wolfnote's own rows, where it has one."""


def readers(
    model: LocalModel,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    server: RemoteModel | None = None,
    on_event: OnEvent = silent,
) -> tuple[Reader, ...]:
    """The readers of a model, category by category, and of a server as judge where one is given.

    Raises ``InputError`` for a calibration that cannot be read or was made for other weights, and like ``projection.readers``.
    """
    from wolfnote.audit.readers import likelihood, projection, review, rubric

    projected = projection.readers(model, on_event)
    if settings.calibration:
        projected = review.recalibrated(projected, Path(settings.calibration))
    found: list[Reader] = [*projected]
    if settings.thorough:
        found += [likelihood.reader(model, category, on_event) for category in CATEGORIES]
    if server:
        found += [rubric.reader(server, category, on_event) for category in CATEGORIES]
    return tuple(found)
