"""What a reader is: it scores rows with a language model, and knows how often it errs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from wolfnote.audit.detector import Category
from wolfnote.events import OnEvent, silent
from wolfnote.records import Sample
from wolfnote.results import Estimate, Score


class Accuracy(NamedTuple):
    """How often the reader errs, measured on text it was not fitted to: shares of clean rows and of harmful rows flagged."""

    false_alarms: Estimate
    sensitivity: Estimate


class Reader(Protocol):
    """Reads training rows with a model. ``wolfnote explain CODE`` prints the docstring of the module it lives in."""

    @property
    def code(self) -> str:
        """The finding's code, ``WN1xx``."""
        ...

    @property
    def name(self) -> str:
        """What it looks for, in words."""
        ...

    @property
    def category(self) -> Category:
        """Which of the six categories it reads for."""
        ...

    @property
    def threshold(self) -> float:
        """Scores above it are flagged."""
        ...

    def accuracy(self) -> Accuracy:
        """False alarms and sensitivity with their exact intervals."""
        ...

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """One score a row, higher = more harmful; above ``threshold`` the row is flagged; None where it could not read."""
        ...
