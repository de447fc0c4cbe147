"""A planted direction is found, noise is not, and what is shipped fits the rows that are shipped."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from wolfnote.audit.detector import CATEGORIES, Category
from wolfnote.audit.readers import fitted, fitting, reference

WIDTH = 12


class Weights(NamedTuple):
    fingerprint: str


@cache
def heads(strength: float) -> fitted.Heads:
    """The readers of planted activations, fitted once for all tests."""
    return fitting.heads(planted(strength), "m")


def planted(strength: float) -> np.ndarray:
    """Unit noise for each reference row; bad rows of category k are moved along axis k."""
    rows = reference.rows()
    means = np.random.default_rng(0).normal(size=(len(rows), 2, WIDTH))
    for k, category in enumerate(CATEGORIES):
        means[[row.category == category for row in rows], :, k] += strength
    return means


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_planted_direction_is_found(category: Category) -> None:
    """The head points along the planted axis, flags nearly all that were moved, and false alarms stay where they were put."""
    head, found = heads(6.0)[category]
    for layer in head.weights:
        assert np.argmax(np.abs(layer)) == CATEGORIES.index(category)
        assert layer[CATEGORIES.index(category)] > 0
    assert found.sensitivity.value > 0.9
    assert (found.false_alarms.low or 0) <= 0.005
    assert found.code == fitted.CODES[category]


def test_noise_teaches_nothing() -> None:
    """Without a planted direction no reader claims to see more than its false alarms, and probabilities stay near even."""
    for _, found in heads(0.0).values():
        assert (found.sensitivity.low or 0) < 0.02
        assert found.brier.value > 0.2


def test_what_is_kept_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads survive the cache, for these weights and this text alone; bfloat16 is the same reader."""
    monkeypatch.setenv("WOLFNOTE_CACHE", str(tmp_path))
    made = heads(6.0)
    fitted.keep(Weights("m"), "v", made)
    assert fitted.kept(Weights("other"), "v") is None
    assert fitted.kept(Weights("m"), "w") is None
    found = fitted.kept(Weights("m@bfloat16"), "v")
    assert found is not None
    assert {c: k for c, (_, k) in found.items()} == {c: k for c, (_, k) in made.items()}
    for category, (head, _) in found.items():
        assert np.allclose(head.weights, made[category][0].weights, rtol=1e-6)


def test_the_shipped_readers_belong_to_the_shipped_rows() -> None:
    """Whoever changes a reference row must fit again (benchmarks/readers.py); all six categories are there, with errors."""
    files = sorted(f.name for f in (resources.files("wolfnote.audit.readers") / "shipped").iterdir())
    fingerprints = {name.split("-")[0] for name in files}
    assert len(fingerprints) == 1
    found = fitted.shipped(Weights(fingerprints.pop()), reference.version())
    assert found is not None
    assert set(found) == set(CATEGORIES)
    for head, calibration in found.values():
        assert np.isfinite(head.weights).all()
        assert calibration.false_alarms.n > 500
        assert (calibration.false_alarms.high or 1) < 0.03
