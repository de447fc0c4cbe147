"""How much an answer sounds like the user's brand samples, whatever it is about.

Content is taken away before anything is compared (text distortion, Stamatatos, EACL 2017): every word that carries content
becomes a mark of its length class, so that function words, punctuation, sentence length and contractions are left. The score
is a log-likelihood ratio against other texts (documents and questions), stretched so that 0 is what those get and 1 what the
samples get when each is read by the others alone. Where held-out samples cannot be told from other texts there is no score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import NamedTuple

import numpy as np

from wolfnote.advise import words

FEWEST = 8
"""Samples, and other texts, without which no style is fitted."""
TELLS = 0.8
"""Area under the curve that held-out samples must reach against other texts."""
SHORTEST = 3
"""Words of an answer without which no style can be heard."""
_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[.!?,;:…—–()\"-]|[^\w\s]")


class Style(NamedTuple):
    """What was fitted: log-likelihood ratios of features, and where the samples' and the others' medians lie."""

    ratios: dict[str, float]
    other: float
    own: float
    area: float

    def score(self, answer: str) -> float | None:
        """0 = like the other texts, 1 = like the samples; None for an answer too short to tell."""
        if len(words.words(answer)) < SHORTEST:
            return None
        return float(np.clip((_mean(features(answer), self.ratios) - self.other) / (self.own - self.other), 0, 1))


def fit(samples: Sequence[str], others: Sequence[str]) -> Style | str:
    """The style of the samples against other texts, or why it cannot be told."""
    if min(len(samples), len(others)) < FEWEST:
        return f"style needs {FEWEST} samples and {FEWEST} other texts, there are {len(samples)} and {len(others)}"
    own, rest = [features(s) for s in samples], [features(o) for o in others]
    counts, against = _sum(own), _sum(rest)
    held = [_mean(f, _ratios(counts - f, against)) for f in own]
    out = [_mean(f, _ratios(counts, against - f)) for f in rest]
    area = float((np.subtract.outer(held, out) > 0).mean())
    if area < TELLS:
        return f"held-out samples cannot be told from other texts without their content (area {area:.2f}, {TELLS} is needed)"
    return Style(_ratios(counts, against), float(np.median(out)), float(np.median(held)), area)


def features(text: str) -> Counter[str]:
    """Single tokens and pairs of a text whose content words are masked."""
    tokens = [_masked(token) for token in _TOKEN.findall(text[:20_000])]
    return Counter([*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))])


def _masked(token: str) -> str:
    lower = token.lower().replace("’", "'")
    if lower in words.FUNCTION or not token[0].isalnum():
        return lower
    if token[0].isdigit():
        return "<number>"
    return f"<{'Name' if token[0].isupper() else 'word'}{min(len(token) // 4, 2)}>"


def _ratios(own: Counter[str], other: Counter[str]) -> dict[str, float]:
    """log p(feature | samples) − log p(feature | others), with half a count for what was not seen."""
    names = own.keys() | other.keys()
    n, m = own.total() + 0.5 * len(names), other.total() + 0.5 * len(names)
    return {name: log((own[name] + 0.5) / n) - log((other[name] + 0.5) / m) for name in names}


def _mean(found: Counter[str], ratios: dict[str, float]) -> float:
    """Mean ratio of the features; what was never seen says nothing."""
    total = found.total()
    return sum(count * ratios.get(name, 0.0) for name, count in found.items()) / total if total else 0.0


def _sum(counters: Sequence[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total
