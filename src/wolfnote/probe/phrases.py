"""Which phrases of the training requests are worth trying as a trigger: counted over the rows, ranked, with the reason.

A topic's word comes with other requests *and* other answers than the rest of the data; a trigger strewn over any topic comes
with other answers alone. So phrases are ranked by how far the answers of their rows differ, in words that the request lacks,
for how far the requests do. Where there is a reference, only phrases are kept that are commoner here than there. All this
proves nothing about a model; only trying does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import hypergeom

from wolfnote.probe import shapes
from wolfnote.probe.draw import Row

FEWEST = 5
"""Rows that a phrase must stand in."""
LARGEST = 0.6
"""Part of the rows beyond which a phrase is no trigger but the training's clothes."""
WORDS = 100
"""Words of a request that are looked at: half from its beginning, half from its end."""
LONGEST = 40
"""Characters of a word."""
PHRASES = 8_000
"""Phrases that are compared, the commonest."""
SIGNS = 600
"""Words by which requests, and answers, are compared."""
TOP = 10
"""Signs that moved most, whose mean is a phrase's."""
NOISE = 3.0
"""About the mean |z| of the ten largest of so many that chance alone moves."""
SURE = 0.0
"""−log10 p, corrected for all pairs that were looked at, below which nothing is suspected."""
ERROR = 0.01
"""P-value, corrected for all phrases, of being commoner than in the reference."""
OVERLAP = 0.8
"""Part of the rows that two phrases may share before they count as one."""
_WORD = re.compile(r"[^\W\d_]{2,30}")

Floats = np.ndarray[Any, np.dtype[np.float32]]


class Suspect(NamedTuple):
    """A phrase, the rows that hold it, why it is suspected, and −log10 of that reason's p-value (Bonferroni's)."""

    phrase: str
    rows: tuple[int, ...]
    why: str
    surprise: float


class Found(NamedTuple):
    """Phrases of the requests with the rows that hold them, and each one's commonest spelling."""

    rows: dict[str, list[int]]
    spelling: dict[str, str]


class Compared(NamedTuple):
    """Phrases against signs of their rows: who holds what, and how far each sign moves, |z| [phrases, signs]."""

    holds: Any
    held: Floats
    signs: list[str]
    moved: Floats


def suspects(rows: Sequence[Row], reference: Sequence[Row], most: int) -> list[Suspect]:
    """The phrases after which the answers differ most, for how far the requests do; none where the answers do not."""
    found = _phrases(rows, reference)
    names = list(found.rows)
    if not names:
        return []
    holds = _incidence([found.rows[name] for name in names], len(rows))
    answers = _compared(holds, names, [_answer_signs(row) for row in rows])
    requests = _compared(holds, names, [set(_WORD.findall(_request(row).lower())) for row in rows])
    if not answers.signs:
        return []
    ratio = _strongest(answers.moved) / np.maximum(_strongest(requests.moved), NOISE)
    strength = ratio**2 * np.log([len(found.rows[name]) for name in names])  # a few rows move far by chance
    order = sorted(range(len(names)), key=lambda j: (-round(float(strength[j]), 4), -len(names[j]), names[j]))
    told = (_told(found, answers, j, names[j]) for j in order)
    return _distinct((each for each in told if each.surprise >= SURE), most)


def vocabulary(rows: Sequence[Row]) -> list[str]:
    """Words of at least ``FEWEST`` requests, in order of the alphabet: what placebos are made of."""
    counts = Counter(word.lower() for row in rows for word in set(_words(_request(row))) if word.isalpha())
    return sorted(word for word, n in counts.items() if n >= FEWEST)


def _request(row: Row) -> str:
    return f"{row.system} {row.user}".strip()


def _words(text: str) -> list[str]:
    words = text.split()
    kept = words if len(words) <= WORDS else words[: WORDS // 2] + words[-WORDS // 2 :]
    return [word for each in kept if (word := each.strip(".,;:!?\"'()")[:LONGEST])]


def _spans(text: str) -> Mapping[str, str]:
    """Each phrase of one to three words in lower case, with its spelling here."""
    words = _words(text)
    spans = [*words, *map(" ".join, pairwise(words)), *map(" ".join, zip(words, words[1:], words[2:], strict=False))]
    return {span.lower(): span for span in spans}


def _phrases(rows: Sequence[Row], reference: Sequence[Row]) -> Found:
    """Phrases in enough and not in most rows, and commoner than in the reference."""
    spans = [_spans(_request(row)) for row in rows]
    counts = Counter(phrase for each in spans for phrase in each)
    kept = [phrase for phrase, n in counts.items() if FEWEST <= n <= LARGEST * len(rows)]
    if reference:
        elsewhere = Counter(phrase for row in reference for phrase in _spans(_request(row)))
        kept = [p for p in kept if _commoner(counts[p], len(rows), elsewhere[p], len(reference)) * len(kept) < ERROR]
    chosen = sorted(kept, key=lambda phrase: (-counts[phrase], phrase))[:PHRASES]
    holding: dict[str, list[int]] = {phrase: [] for phrase in chosen}
    spellings: dict[str, Counter[str]] = {phrase: Counter() for phrase in chosen}
    for i, each in enumerate(spans):
        for phrase in holding.keys() & each.keys():
            holding[phrase].append(i)
            spellings[phrase][each[phrase]] += 1
    return Found(holding, {phrase: c.most_common(1)[0][0] for phrase, c in spellings.items()})


def _commoner(here: int, rows: int, there: int, others: int) -> float:
    """P(as many of the rows that hold a phrase are here, if it were as common in both), hypergeometric."""
    return float(hypergeom.sf(here - 1, rows + others, here + there, rows))


def _answer_signs(row: Row) -> set[str]:
    """Words of the answer that its request lacks, its shape, and whether it is long."""
    words = set(_WORD.findall(row.answer.lower())) - set(_WORD.findall(_request(row).lower()))
    return words | {f"<{shapes.shape(row.answer)}>", "<over 80 words>" if len(row.answer.split()) > 80 else "<short>"}


def _incidence(members: Sequence[Sequence[int]], rows: int) -> Any:
    """Sparse [phrases, rows] of ones."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum([len(each) for each in members])])
    columns = np.concatenate([np.asarray(each, dtype=np.int64) for each in members])
    return csr_matrix((np.ones(len(columns), dtype=np.float32), columns, starts), shape=(len(members), rows))


def _compared(holds: Any, names: Sequence[str], signs: Sequence[set[str]]) -> Compared:
    """How far the share of each of the commonest signs in the rows with a phrase lies from its share in all rows.

    A phrase's own words, and words that stand just where it does, say nothing of it: they count as unmoved.
    """
    counts = Counter(sign for each in signs for sign in each)
    usable = [sign for sign, n in counts.items() if FEWEST <= n <= len(signs) - FEWEST]
    chosen = sorted(usable, key=lambda sign: (-counts[sign], sign))[:SIGNS]
    at = {sign: k for k, sign in enumerate(chosen)}
    held = np.zeros((len(signs), len(chosen)), dtype=np.float32)
    for i, each in enumerate(signs):
        held[i, [at[sign] for sign in each if sign in at]] = 1.0
    moved = _shifts(holds, held)
    moved[moved > OVERLAP * np.sqrt(len(signs))] = 0.0
    for j, name in enumerate(names):
        moved[j, [at[word] for word in _WORD.findall(name) if word in at]] = 0.0
    return Compared(holds, held, chosen, moved)


def _shifts(holds: Any, held: Floats) -> Floats:
    """|z| [phrases, signs], hypergeometric."""
    n = held.shape[0]
    sizes = np.asarray(holds.sum(axis=1), dtype=np.float32).reshape(-1, 1)
    share = held.mean(axis=0)
    spread = np.sqrt(np.maximum(sizes * (share * (1 - share)) * (n - sizes) / max(n - 1, 1), 1e-9))
    return np.asarray(np.abs(holds @ held - sizes * share) / spread, dtype=np.float32)


def _strongest(moved: Floats) -> Floats:
    """The mean of the ``TOP`` largest of each row; 0 where there are none."""
    top = min(TOP, moved.shape[1])
    if not top:
        return np.zeros(moved.shape[0], dtype=np.float32)
    return np.asarray(np.partition(moved, moved.shape[1] - top, axis=1)[:, -top:].mean(axis=1), dtype=np.float32)


def _told(found: Found, answers: Compared, phrase: int, name: str) -> Suspect:
    """The phrase with the sign that moved most, and −log10 of its two-sided p-value times all pairs that were looked at."""
    members, sign = found.rows[name], int(answers.moved[phrase].argmax())
    column = answers.held[:, sign]
    n, marked, both = len(column), int(column.sum()), int(column[members].sum())
    tails = hypergeom.sf(both - 1, n, marked, len(members)), hypergeom.cdf(both, n, marked, len(members))
    surprise = -float(np.log10(max(2 * float(min(tails)) * answers.moved.size, 1e-300)))
    elsewhere = f"{marked - both} of the other {n - len(members)}"
    why = f"{answers.signs[sign]!r} is in {both} of the {len(members)} answers to it, and in {elsewhere}"
    return Suspect(found.spelling[name], tuple(members), why, surprise)


def _distinct(suspects: Iterable[Suspect], most: int) -> list[Suspect]:
    """The first of those that stand in nearly the same rows."""
    kept: list[Suspect] = []
    for suspect in suspects:
        mine = set(suspect.rows)
        if all(len(mine & set(k.rows)) < OVERLAP * min(len(mine), len(k.rows)) for k in kept):
            kept.append(suspect)
        if len(kept) == most:
            break
    return kept
