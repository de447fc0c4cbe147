"""How near each question is to the training rows, so that "unrelated" is a fact: TF-IDF cosine to the nearest requests.

Words are beginnings of ``STEM`` letters, and pairs of them. What weighs is what is rare in the data and in Wolfnote's own
questions of all kinds (squared): otherwise any "what do I do" is near to any other. A cosine by itself says little, as data
sets are broad or narrow: so a question's mean cosine to its ``NEAREST`` rows is divided by what the data's own requests have to
one another (the median over ``OWN`` of them, each without itself and its copies). The cut-offs were measured on sets of ours:
``docs/decisions/asking.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np

from wolfnote.errors import InputError
from wolfnote.judges import margin
from wolfnote.probe.question import unrelated
from wolfnote.records import Sample, Unread

BUCKETS = 1 << 18
"""Words are counted by hash, so that memory does not grow with the data."""
CHUNK = 2_000
"""Rows that are compared at once."""
NEAREST = 5
OWN = 200
SAME = 0.95
"""A cosine at which two requests count as copies of one another."""
LONGEST = 4_000
"""Characters of a request that are read."""
STEM = 5
IN_DOMAIN = 0.65
"""What requests held out of a data set of ours mostly reach; chosen on that set alone."""
NEAR = 0.45
"""What our unrelated questions mostly stay under; chosen on that set alone."""
_WORD = re.compile(r"[^\W_]{2,40}")

Rows = Callable[[], Iterable[Sample | Unread]]


class Zone(StrEnum):
    """Where a question stands to the training."""

    IN = "in-domain"
    NEAR = "near"
    FAR = "far"


class Nearness(msgspec.Struct, frozen=True):
    """How near a question is to the training rows, and which row it is nearest to."""

    question: str
    zone: Zone
    value: float
    """Mean cosine to the nearest rows, as a part of what requests of the data have among themselves: 1 = like one of them."""
    nearest: str
    """``path:line``."""


class Counted(NamedTuple):
    """What the first pass found: weights of words, how many rows there are, and some of their requests."""

    weights: np.ndarray[Any, np.dtype[np.float64]]
    rows: int
    own: list[str]


def nearness(questions: Sequence[tuple[str, str]], rows: Rows) -> list[Nearness]:
    """One for each (id, text), in order; ``rows`` is called twice, once to count words and once to compare.

    Raises ``InputError`` where no row has a request.
    """
    counted = _count(rows)
    if not counted.rows:
        raise InputError("no row holds a request", remedy="give chat rows, or rows with a prompt column")
    texts = [text for _, text in questions]
    vectors = _vectors(texts + counted.own, counted.weights)
    best, places = _nearest(vectors, rows, counted, first_own=len(texts))
    own = float(np.median(best[len(texts) :].mean(axis=1)))
    found = []
    for (name, _), cosines, place in zip(questions, best, places, strict=False):
        value = float(cosines.mean()) / own if own > 0 else 0.0
        found.append(Nearness(name, zone(value), value, place))
    return found


def zone(value: float) -> Zone:
    """The zone of a ``Nearness.value``."""
    return Zone.IN if value >= IN_DOMAIN else Zone.NEAR if value >= NEAR else Zone.FAR


def _count(rows: Rows) -> Counted:
    """Weights by bucket, ln((1 + n) / (1 + rows with the word)) × the square of how rare it is elsewhere; some requests."""
    counts = np.zeros(BUCKETS)
    own: list[str] = []
    step, n = 1, 0
    for _, text in _requests(rows):
        found = _buckets(text)
        counts[list(found)] += 1
        if n % step == 0:
            own.append(text)
            if len(own) == 2 * OWN:  # every second one goes, and from here on half as many come
                own, step = own[::2], step * 2
        n += 1
    return Counted(np.log((1 + n) / (1 + counts)) * _rarity() ** 2, n, own[:: max(1, len(own) // OWN)][:OWN])


@lru_cache(maxsize=1)
def _rarity() -> np.ndarray[Any, np.dtype[np.float64]]:
    """How rare a word is among Wolfnote's own questions, 1 = in none of them, 0 = in all."""
    texts = [q.text for q in unrelated()] + [t.question for family in margin.FAMILIES for t in margin.triples(family)]
    counts = np.zeros(BUCKETS)
    for text in texts:
        counts[list(_buckets(text))] += 1
    return np.asarray(np.log((1 + len(texts)) / (1 + counts)) / np.log(1 + len(texts)), dtype=np.float64)


def _nearest(vectors: Any, rows: Rows, counted: Counted, first_own: int) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Cosines [texts, NEAREST] to the nearest rows, and the place of the very nearest; of own texts, copies left out."""
    best = np.zeros((vectors.shape[0], NEAREST))
    places = [""] * vectors.shape[0]
    for names, texts in _chunks(rows):
        cosines = np.asarray((vectors @ _vectors(texts, counted.weights).T).todense())
        cosines[first_own:][cosines[first_own:] >= SAME] = 0.0
        for i, at in enumerate(cosines.argmax(axis=1)):
            if cosines[i, at] > best[i, 0]:
                places[i] = names[at]
        best = -np.sort(-np.hstack([best, cosines]), axis=1)[:, :NEAREST]
    return best, places


def _vectors(texts: Sequence[str], weights: np.ndarray[Any, Any]) -> Any:
    """Unit rows [texts, BUCKETS], sparse: (1 + ln count) × weight."""
    from scipy.sparse import csr_matrix

    data: list[float] = []
    columns: list[int] = []
    starts = [0]
    for text in texts:
        found = _buckets(text)
        at = np.fromiter(found, dtype=np.int64, count=len(found))
        values = (1 + np.log(np.fromiter(found.values(), dtype=np.float64, count=len(found)))) * weights[at]
        length = float(np.sqrt((values**2).sum()))
        data += list(values / length) if length else [0.0] * len(found)
        columns += list(at)
        starts.append(len(columns))
    return csr_matrix((data, columns, starts), shape=(len(texts), BUCKETS))


def _buckets(text: str) -> dict[int, int]:
    """Beginnings of words of a text, and pairs of neighbours, by bucket with their counts."""
    words = [word[:STEM] for word in _WORD.findall(text[:LONGEST].lower())]
    found: dict[int, int] = {}
    for piece in (*words, *map(" ".join, pairwise(words))):
        bucket = int.from_bytes(hashlib.blake2b(piece.encode("utf-8", "replace"), digest_size=4).digest(), "little") % BUCKETS
        found[bucket] = found.get(bucket, 0) + 1
    return found


def _requests(rows: Rows) -> Iterator[tuple[str, str]]:
    """Place and request of each row that could be read; of running text, the text."""
    for row in rows():
        if isinstance(row, Sample):
            said = " ".join(m.content for m in row.messages if m.role == "user") or row.answer
            yield row.source, said


def _chunks(rows: Rows) -> Iterator[tuple[list[str], list[str]]]:
    names: list[str] = []
    texts: list[str] = []
    for name, text in _requests(rows):
        names.append(name)
        texts.append(text)
        if len(texts) == CHUNK:
            yield names, texts
            names, texts = [], []
    if texts:
        yield names, texts
