"""From a reader's scores to probabilities, with the error that they were measured to have.

A logistic curve through the scores of labelled rows (Platt 1999). What it states about its own error is measured on rows of
topics that had no part in the fit, so neither the curve nor the threshold is judged by what it was drawn through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from wolfnote import stats
from wolfnote.audit.detector import Category
from wolfnote.errors import InputError
from wolfnote.results import Estimate

FALSE_ALARMS = 0.005
"""Share of clean rows that a reader may flag: six of them then flag up to 3 % of a clean data set between them, which stays
below the 5 % that fail it."""
FOLDS = 5
FEWEST = 20
"""Rows of each kind from which on a calibration is made."""
BINS = 5

Floats = NDArray[np.float64]


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the scores of one reader for one category mean: p = 1 / (1 + exp(−(slope · score + offset))).

    The probabilities hold for as many clean rows as harmful ones; ``probability`` takes another share.
    """

    code: str
    category: Category
    model: str
    """Fingerprint of what read."""
    source: str
    """What rows it was made from."""
    slope: float
    offset: float
    threshold: float
    """Scores above it are flagged."""
    false_alarms: Estimate
    sensitivity: Estimate
    brier: Estimate
    """Mean squared error of the probabilities, rows weighted to equal shares; 0.25 = knows nothing."""
    gap: Estimate
    """Expected distance between the probability and the observed share, over bins of equal size."""

    def probability(self, score: float | Floats, share: float = 0.5) -> Floats:
        """Probability that a row is harmful, where ``share`` of the rows are."""
        return _curve(np.asarray(score, np.float64), self.slope, self.offset + float(np.log(share / (1 - share))))

    def score(self, probability: Floats) -> Floats:
        """The score behind a probability, as far as floats can tell the probability from 0 and 1."""
        p = np.clip(probability, 1e-15, 1 - 1e-15)
        return np.asarray((np.log(p / (1 - p)) - self.offset) / self.slope)


class Labelled(msgspec.Struct, frozen=True):
    """Scores of one reader, whether each row is harmful, and each row's topic: rows of one topic are held out together."""

    scores: Floats
    harmful: NDArray[np.bool_]
    topics: Sequence[str]


def fit(
    labelled: Labelled, *, code: str, category: Category, model: str, source: str, threshold: float | None = None
) -> Calibration:
    """The curve and threshold of all rows, and the errors of rows held out. With a ``threshold`` that is given, nothing of the
    errors is fitted: scores of a few values have no threshold that stays where it is from fold to fold. Raises ``InputError``
    for too few rows.
    """
    scores, harmful = labelled.scores, labelled.harmful
    few = min(int(harmful.sum()), int((~harmful).sum()))
    if few < FEWEST:
        remedy = f"label at least {FEWEST} harmful and {FEWEST} clean rows"
        raise InputError(f"{few} rows of one kind are too few to calibrate {category}", where=source, remedy=remedy)
    held = np.empty(len(scores))
    limits = np.empty(len(scores))
    fold = folds(labelled.topics)
    for number in np.unique(fold):
        out = fold == number
        held[out] = _curve(scores[out], *_platt(scores[~out], harmful[~out]))
        limits[out] = _limit(scores[~out & ~harmful]) if threshold is None else threshold
    slope, offset = _platt(scores, harmful)
    return Calibration(
        code=code,
        category=category,
        model=model,
        source=source,
        slope=slope,
        offset=offset,
        threshold=_limit(scores[~harmful]) if threshold is None else threshold,
        false_alarms=stats.share("reader's false alarms", int((scores > limits)[~harmful].sum()), int((~harmful).sum())),
        sensitivity=stats.share("reader's sensitivity", int((scores > limits)[harmful].sum()), int(harmful.sum())),
        brier=_brier(held, harmful),
        gap=_gap(held, harmful),
    )


def folds(topics: Sequence[str]) -> NDArray[np.int64]:
    """A fold for each row, fixed by the hash of its topic."""
    return np.array([int(hashlib.sha256(topic.encode()).hexdigest()[:12], 16) % FOLDS for topic in topics])


def save(calibrations: Sequence[Calibration], path: Path) -> None:
    """Write them as JSON, one file for all readers of a model."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(calibrations))) + b"\n")


def load(path: Path) -> list[Calibration]:
    """What ``save`` wrote. Raises ``InputError`` for anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Calibration])
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy="check the path") from None
    except msgspec.DecodeError as error:
        remedy = "give a file that a calibration wrote"
        raise InputError(f"not a calibration ({error})", where=str(path), remedy=remedy) from None


def _curve(scores: Floats, slope: float, offset: float) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * (slope * scores + offset))))


def _platt(scores: Floats, harmful: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset by Newton's method; both kinds weigh the same, and Platt's targets keep the curve from a cliff."""
    n = np.array([(~harmful).sum(), harmful.sum()])
    target = np.where(harmful, (n[1] + 1) / (n[1] + 2), 1 / (n[0] + 2))
    weight = 0.5 / n[harmful.astype(int)]
    design = np.stack([scores, np.ones_like(scores)], 1)
    spread = scores.std() or 1.0
    found = np.array([1 / spread, -scores.mean() / spread])
    for _ in range(50):
        p = _curve(scores, found[0], found[1])
        slope = design.T @ (weight * (p - target))
        bend = (design * (weight * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ design
        found = found - np.linalg.solve(bend + 1e-9 * np.eye(2), slope)
    return float(found[0]), float(found[1])


def _limit(clean: Floats) -> float:
    return float(np.quantile(clean, 1 - FALSE_ALARMS, method="higher"))


def _brier(held: Floats, harmful: NDArray[np.bool_]) -> Estimate:
    """Each kind's mean squared error, averaged, with the interval of the two means."""
    errors = [(held[kind] - kind_is) ** 2 for kind, kind_is in ((harmful, 1.0), (~harmful, 0.0))]
    value = float(np.mean([e.mean() for e in errors]))
    half = 0.98 * float(np.sqrt(sum(e.var(ddof=1) / len(e) for e in errors)))
    return Estimate("Brier score", value, max(0.0, value - half), value + half, len(held), "held-out topics, normal 95%")


def _gap(held: Floats, harmful: NDArray[np.bool_]) -> Estimate:
    """Over ``BINS`` bins of equal size; the interval is the bootstrap's over rows."""
    draw = np.random.default_rng(0)
    n = len(held)
    drawn = [_distance(held[rows], harmful[rows]) for rows in draw.integers(0, n, (200, n))]
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = _distance(held, harmful)
    return Estimate("calibration gap", value, min(value, float(low)), float(high), n, "held-out topics, bootstrap 95%")


def _distance(held: Floats, harmful: NDArray[np.bool_]) -> float:
    weight = 0.5 / np.maximum(np.array([(~harmful).sum(), harmful.sum()]), 1)[harmful.astype(int)]
    total = 0.0
    for rows in np.array_split(np.argsort(held, kind="stable"), BINS):
        mass = weight[rows].sum()
        total += abs(float((weight[rows] * (held[rows] - harmful[rows])).sum())) if mass else 0.0
    return total
