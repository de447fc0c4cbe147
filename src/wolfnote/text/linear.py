"""A small linear classifier of sentences: words, pairs of words and classes of words, weighed by logistic regression.

Fitting (``fit``) and applying (``Weights``) are apart; what is applied is a JSON file of numbers. A text's score is that of
its worst sentence, in log-odds, so length adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from wolfnote.text.phrases import Phrases, plain

RIDGE = 1.0
FOLDS = 5


class Weights(msgspec.Struct, frozen=True):
    """What was fitted: a weight a feature, an offset, and the threshold that cross-fitting placed."""

    offset: float
    threshold: float
    weights: dict[str, float]


class Line(msgspec.Struct, frozen=True):
    """A line that we wrote: 1 = hazard."""

    text: str
    label: int


class Classifier:
    """Applies weights. ``classes`` says which words and phrases stand for a class, such as insults."""

    def __init__(self, weights: Weights, classes: Mapping[str, str]) -> None:
        self.offset, self.threshold, self._weights = weights.offset, weights.threshold, weights.weights
        known = {f: f for f in weights.weights if not f.startswith("<")} | dict(classes)
        self._phrases = Phrases(known | {"|": "|"})
        self._classes = classes

    def read(self, words: str) -> tuple[float, int]:
        """Log-odds of the worst sentence of a plain text, and its number."""
        worst, place, sentence, total = -99.0, 0, 0, self.offset
        seen: set[str] = set()
        weights, classes = self._weights, self._classes
        for _, (_, kind, phrase) in self._phrases.find(words + "| "):
            if kind == "|":
                if total > worst and seen:
                    worst, place = total, sentence
                sentence, total = sentence + 1, self.offset
                seen.clear()
                continue
            if phrase in classes and phrase in weights and phrase not in seen:
                seen.add(phrase)
                total += weights[phrase]
            if kind not in seen:
                seen.add(kind)
                total += weights.get(kind, 0.0)
        return worst, place


def features(text: str, classes: Mapping[str, str], longest: int) -> set[str]:
    """Words, pairs of neighbouring words, and classes in a line."""
    found: set[str] = set()
    for sentence in plain(text).split("|"):
        words = sentence.split()
        for size in range(1, longest + 1):
            for at in range(len(words) - size + 1):
                phrase = " ".join(words[at : at + size])
                if size <= 2:
                    found.add(phrase)
                if phrase in classes:
                    found.add(classes[phrase])
    return found


def fit(lines: Sequence[Line], classes: Mapping[str, str], excused: Callable[[str], bool]) -> Weights:
    """Weights from all lines, and a threshold above every benign line that was held out: an answer has ten sentences, so
    each share of lines above it would be ten times that share of answers. Benign lines whose plain form the detector excuses
    anyway place no threshold. The same lines give the same weights."""
    longest = max((len(phrase.split()) for phrase in classes), default=1)
    rows = [features(line.text, classes, longest) for line in lines]
    counts: dict[str, int] = {}
    for row in rows:
        for feature in row:
            counts[feature] = counts.get(feature, 0) + 1
    names = sorted(f for f, n in counts.items() if f != "|" and (n >= 2 or " " not in f))
    x = _matrix(rows, {name: i for i, name in enumerate(names)})
    y = np.array([line.label for line in lines], dtype=np.float64)
    held = np.empty(len(rows))
    for fold in range(FOLDS):
        out = np.arange(len(rows)) % FOLDS == fold
        weights, offset = _logistic(x[~out], y[~out])
        held[out] = x[out] @ weights + offset
    weights, offset = _logistic(x, y)
    placing = np.array([line.label == 0 and not excused(plain(line.text)) for line in lines])
    threshold = float(held[placing].max())
    kept = {name: round(float(w), 3) for name, w in zip(names, weights, strict=True) if abs(w) > 0.02}
    return Weights(round(offset, 3), round(threshold, 3), kept)


def _matrix(rows: Sequence[set[str]], at: Mapping[str, int]) -> Any:
    """Sparse [rows, features] of ones."""
    from scipy.sparse import csr_matrix

    places = [(i, at[feature]) for i, row in enumerate(rows) for feature in sorted(row) if feature in at]
    which, columns = zip(*places, strict=True)
    return csr_matrix((np.ones(len(places)), (which, columns)), shape=(len(rows), len(at)))


def _logistic(x: Any, y: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], float]:
    from scipy.optimize import minimize

    def loss(w: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        z = x @ w[:-1] + w[-1]
        error = 1 / (1 + np.exp(-z)) - y
        value = np.logaddexp(0, z).sum() - y @ z + RIDGE / 2 * (w[:-1] @ w[:-1])
        return float(value), np.append(x.T @ error + RIDGE * w[:-1], error.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return found.x[:-1], float(found.x[-1])
