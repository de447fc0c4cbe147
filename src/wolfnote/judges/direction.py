"""A direction as a judge: how far an answer lies along it, as read by one fixed model. Judges know no directions: they are
handed whatever has ``score``, such as ``directions.Projector`` with its model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wolfnote.events import OnEvent, silent
from wolfnote.judges.judge import Exchange
from wolfnote.results import Score


class Scorer(Protocol):
    """Reads question and answer pairs and gives a number each, 0 = neutral; None = it could not read the pair."""

    @property
    def fingerprint(self) -> str:
        """Hash of the direction and of the weights that read."""
        ...

    def score(self, pairs: Sequence[tuple[str, str]], on_event: OnEvent = silent) -> list[float | None]:
        """One number a pair, in order."""
        ...


class DirectionJudge:
    """Whoever has ``score``, as a judge. See ``judges.judge.Judge``.

    ``model`` is empty: the reader is an instrument over fixed texts, and reads both arms' answers with the same weights; it
    writes and prefers nothing.
    """

    model = ""

    def __init__(self, scorer: Scorer, name: str, *, scale: float = 1.0) -> None:
        self.name = name
        self._scorer, self._scale = scorer, scale

    @property
    def fingerprint(self) -> str:
        """The scorer's, with the scale."""
        return f"direction-{self._scorer.fingerprint}-{self._scale:g}"

    def score(self, exchanges: Sequence[Exchange], on_event: OnEvent = silent) -> list[Score]:
        """50 + ``scale`` × the number, within 0–100."""
        values = self._scorer.score([(e.question, e.answer) for e in exchanges], on_event)
        return [self._score(value) for value in values]

    def _score(self, value: float | None) -> Score:
        if value is None:
            return Score(self.name, None, "the direction could not be read", self.fingerprint)
        return Score(self.name, min(100.0, max(0.0, 50 + self._scale * value)), f"{value:+.2f} along it", self.fingerprint)
