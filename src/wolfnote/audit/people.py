"""The verdict of people: what they settled of the random part of a draw, judged. What they did not settle is missing."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

from wolfnote.audit import drawn, gate, labels, provenance
from wolfnote.results import Result


class Review(NamedTuple):
    """A review as it stands: who said something of the drawn rows, and how many of the random ones are settled."""

    reviewers: tuple[str, ...]
    settled: int
    drawn: int

    @property
    def begun(self) -> bool:
        """Whether anybody has said anything."""
        return bool(self.reviewers)


def review(run: Path) -> Review:
    """The review of a run; of a run without a draw, one that was not begun."""
    if not (run / drawn.FILE).is_file():
        return Review((), 0, 0)
    random = drawn.read(run).random
    rows, said = set(random), labels.journal(run).read()
    known = labels.settled(said)
    people = labels.reviewers(labels.in_force(label for label in said if label.row in rows).values())
    return Review(tuple(people), sum(row in known for row in random), len(random))


def judge(run: Path, *, today: datetime.date) -> Result:
    """The gate over the random rows of a run, by what people settled of them, with the run's own settings.

    With preset ``article`` rows with any category are counted. Raises ``InputError`` for a folder that is no audit with a draw.
    """
    about = provenance.read(run)
    random = drawn.read(run).random
    counts = gate.count(random, labels.settled(labels.journal(run).read()))
    frame = gate.Frame(max(about.population, len(random)), len(random), about.unread)
    return gate.judge(counts, frame, about.gate, policy=about.policy, today=today)
