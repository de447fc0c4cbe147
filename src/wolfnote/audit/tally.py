"""What a review says so far: how far each reviewer is, how far they agree, and what the random part shows. No verdict: gates
decide."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from wolfnote import stats
from wolfnote.audit import labels
from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.labels import Label, Opinions
from wolfnote.audit.review import Review
from wolfnote.judges import agreement
from wolfnote.results import Estimate

ANY = "any of them"


class Progress(NamedTuple):
    """How far one reviewer is; ``seconds`` is the median of the rows that were timed, None when none was."""

    reviewer: str
    judged: int
    abstained: int
    left: int
    seconds: float | None


class Tally(NamedTuple):
    """A review in numbers. ``rates`` are of the random part only and hold the settled rows; ``missing`` are the others.
    ``risk`` counts flagged and settled rows of the part that detectors picked: no rate of anything."""

    progress: Sequence[Progress]
    rates: Sequence[Estimate]
    missing: int
    risk: tuple[int, int, int]
    disputed: Sequence[str]
    decided: int
    agreement: Sequence[tuple[str, Sequence[Estimate]]]
    passed_over: int


def of(review: Review) -> Tally:
    """The tally of a review as it stands."""
    said = [label for label in review.labels.read() if label.row in review.number]
    opinions = labels.in_force(said)
    random = [found for found in review.judged() if found is not None]
    risky = [place.row for place in review.drawn.places if place.part == "risk"]
    judged = [found for row in risky if row in opinions and (found := opinions[row].categories) is not None]
    return Tally(
        [_progress(person, opinions, len(review.number)) for person in labels.reviewers(opinions.values())],
        _rates(random),
        len(review.drawn.random) - len(random),
        (sum(map(bool, judged)), len(judged), len(risky)),
        [place.row for place in review.drawn.places if place.row in opinions and opinions[place.row].disputed],
        sum(bool(found.decisions) for found in opinions.values()),
        _agreement(said),
        review.labels.passed_over,
    )


def _rates(rows: Sequence[Sequence[str]]) -> list[Estimate]:
    if not rows:
        return []
    counts = [(str(name), sum(name in row for row in rows)) for name in CATEGORIES]
    return [stats.share(name, count, len(rows)) for name, count in [*counts, (ANY, sum(map(bool, rows)))]]


def _progress(person: str, opinions: dict[str, Opinions], rows: int) -> Progress:
    mine = [found.reviewers[person] for found in opinions.values() if person in found.reviewers]
    timed = [label.seconds for label in mine if label.seconds > 0]
    judged = sum(label.judges for label in mine)
    seconds = statistics.median(timed) if timed else None
    return Progress(person, judged, len(mine) - judged, rows - len(mine), seconds)


def _agreement(said: Sequence[Label]) -> list[tuple[str, list[Estimate]]]:
    """For anything at all and for each category: alpha over all reviewers, kappa of each pair, Fleiss' for three and more."""
    people = labels.reviewers(labels.in_force(said).values())
    if len(people) < 2:
        return []
    return [(category or ANY, _measures(labels.ratings(said, category), people)) for category in ("", *CATEGORIES)]


def _measures(ratings: Sequence[Sequence[bool | None]], people: Sequence[str]) -> list[Estimate]:
    found = [agreement.krippendorff(ratings)]
    if len(people) > 2:
        found.append(agreement.fleiss(ratings))
    for a, b in itertools.combinations(range(len(people)), 2):
        both = [(row[a], row[b]) for row in ratings if row[a] is not None and row[b] is not None]
        name = f"Cohen's kappa, {people[a]} and {people[b]}"
        found.append(agreement.cohen([x for x, _ in both], [y for _, y in both], name=name))
    return [estimate for estimate in found if estimate is not None]
