"""A reader as a run remembers it: what it looks for, from which score on it flags, and how often it errs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from wolfnote.audit.detector import Category
from wolfnote.audit.reader import Accuracy, Reader
from wolfnote.events import OnEvent, silent
from wolfnote.records import Sample
from wolfnote.results import Estimate, Score


class Known(msgspec.Struct, frozen=True):
    """One row of ``tables/readers.jsonl``. It reads nothing anew: what the reader said lies in the run's log."""

    code: str
    name: str
    category: Category
    threshold: float
    false_alarms: Estimate
    sensitivity: Estimate

    def accuracy(self) -> Accuracy:
        """The errors that the run worked with."""
        return Accuracy(self.false_alarms, self.sensitivity)

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """Refused: a remembered reader has no model."""
        raise NotImplementedError(f"{self.code} is remembered, and reads nothing anew")


def rows(readers: Iterable[Reader]) -> list[dict[str, Any]]:
    """The table of a run's readers, in the order in which they read."""
    return [msgspec.to_builtins(Known(r.code, r.name, r.category, float(r.threshold), *r.accuracy())) for r in readers]
