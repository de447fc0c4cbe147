"""Fitting: from the activations of the reference rows to a head and a calibration for each category."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wolfnote.audit.detector import Category
from wolfnote.audit.readers import fitted
from wolfnote.audit.readers.calibration import Labelled, fit, folds
from wolfnote.audit.readers.fitted import Head
from wolfnote.audit.readers.reference import rows as reference
from wolfnote.audit.readers.reference import version

SHRINK = 0.5
"""How far the covariance is drawn towards its diagonal: some 1,100 answers do not determine 576 × 576 numbers."""

Floats = NDArray[np.float64]


def heads(means: NDArray[np.floating], fingerprint: str) -> fitted.Heads:
    """Heads and calibrations from the activations of the reference rows, [rows, layers, width]."""
    rows = reference()
    x = means.astype(np.float64)
    topics = [row.topic for row in rows]
    kinds = {category: np.array([row.category == category for row in rows]) for category in fitted.CODES}
    good = np.array([row.category is None for row in rows])
    held = {category: np.empty(len(rows)) for category in kinds}
    fold = folds(topics)
    for number in np.unique(fold):
        out = fold == number
        for category, head in discriminants(x[good & ~out], {c: x[bad & ~out] for c, bad in kinds.items()}).items():
            held[category][out] = head.apply(x[out])
    final = discriminants(x[good], {category: x[bad] for category, bad in kinds.items()})
    source = f"rows that Wolfnote wrote ({version()})"
    found: fitted.Heads = {}
    for category, bad in kinds.items():
        used = good | bad
        labelled = Labelled(held[category][used], bad[used], [t for t, u in zip(topics, used, strict=True) if u])
        code = fitted.CODES[category]
        calibration = fit(labelled, code=code, category=category, model=fingerprint, source=source)
        found[category] = (final[category], calibration)
    return found


def discriminants(good: Floats, bad: dict[Category, Floats]) -> dict[Category, Head]:
    """Shrunk linear discriminants of each bad set against the good one [rows, layers, width], a layer at a time.

    All share the covariance within sets; each is scaled to unit spread within its two sets.
    """
    depth, width = good.shape[1:]
    found = {category: Head(np.empty((depth, width)), np.empty(depth)) for category in bad}
    for layer in range(depth):
        a, b = good[:, layer], {category: rows[:, layer] for category, rows in bad.items()}
        covariance = np.cov(np.concatenate([rows - rows.mean(0) for rows in (a, *b.values())]).T)
        shrunk = SHRINK * np.diag(np.diag(covariance)) + (1 - SHRINK) * covariance
        weights = np.linalg.solve(shrunk, np.stack([rows.mean(0) - a.mean(0) for rows in b.values()], 1)).T
        for (category, rows), weight in zip(b.items(), weights, strict=True):
            weight = weight / np.sqrt(((a @ weight).var() + (rows @ weight).var()) / 2)
            found[category].weights[layer] = weight
            found[category].offsets[layer] = (a.mean(0) + rows.mean(0)) @ weight / 2
    return found
