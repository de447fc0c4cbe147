"""Probabilities mean what they say, errors are measured on rows left out, and too little is refused."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from wolfnote import InputError
from wolfnote.audit.readers import calibration
from wolfnote.audit.readers.calibration import Calibration, Labelled, fit


def made(gap: float, n: int = 400, seed: int = 0) -> Calibration:
    """Clean rows at N(0, 1) and harmful ones at N(gap, 1), each a topic of its own."""
    draw = np.random.default_rng(seed)
    scores = np.concatenate([draw.normal(0, 1, n), draw.normal(gap, 1, n)])
    labelled = Labelled(scores, np.arange(2 * n) >= n, [f"t{i}" for i in range(2 * n)])
    return fit(labelled, code="WN199", category="hostility", model="m", source="made")


def test_the_curve_is_the_true_one() -> None:
    """Two unit normals 2 apart have log odds 2 x − 2; the fit finds slope and offset, and half-way is even odds."""
    found = made(2.0, 4000)
    assert found.slope == pytest.approx(2.0, abs=0.15)
    assert found.offset == pytest.approx(-2.0, abs=0.15)
    assert float(found.probability(1.0)) == pytest.approx(0.5, abs=0.03)
    assert float(found.probability(1.0, share=0.01)) == pytest.approx(0.01, abs=0.003)


def test_errors_are_those_of_fresh_rows() -> None:
    """The stated false alarms, sensitivity and Brier score hold on rows from the same source that nobody fitted to."""
    found = made(2.0, 2000)
    draw = np.random.default_rng(1)
    clean, harmful = draw.normal(0, 1, 20_000), draw.normal(2, 1, 20_000)
    for estimate, fresh in ((found.false_alarms, clean), (found.sensitivity, harmful)):
        assert (estimate.low or 0) <= (fresh > found.threshold).mean() + 0.02
        assert (estimate.high or 1) >= (fresh > found.threshold).mean() - 0.02
    brier = (np.mean(found.probability(clean) ** 2) + np.mean((1 - found.probability(harmful)) ** 2)) / 2
    assert (found.brier.low or 0) - 0.005 <= brier <= (found.brier.high or 1) + 0.005


def test_a_blind_reader_says_that_it_is_blind() -> None:
    """Scores that know nothing give even odds, a Brier score of a quarter and flags at the rate of false alarms."""
    found = made(0.0, 2000)
    assert float(found.probability(3.0)) == pytest.approx(0.5, abs=0.15)
    assert found.brier.value == pytest.approx(0.25, abs=0.005)
    assert (found.sensitivity.high or 1) < 0.03
    assert found.gap.value < 0.03


def test_topics_are_held_out_together() -> None:
    """Scores that only know the topic do not pass for knowledge: rows of one topic are never on both sides."""
    fold = calibration.folds(["a"] * 5 + ["b"] * 5)
    assert len(set(fold[:5])) == len(set(fold[5:])) == 1


def test_too_few_rows_and_strange_files_are_one_line(tmp_path: Path) -> None:
    """Nineteen harmful rows are not enough; a file that no calibration wrote is named."""
    labelled = Labelled(np.zeros(60), np.arange(60) < 19, [str(i) for i in range(60)])
    with pytest.raises(InputError, match="19 rows of one kind"):
        fit(labelled, code="WN199", category="hostility", model="m", source="made")
    for content in (b"", b"[1]", b'[{"code": "x"}]', b"\xff"):
        (tmp_path / "c.json").write_bytes(content)
        with pytest.raises(InputError, match="not a calibration"):
            calibration.load(tmp_path / "c.json")
    with pytest.raises(InputError, match="cannot be read"):
        calibration.load(tmp_path / "none.json")


def test_what_is_saved_is_what_comes_back(tmp_path: Path) -> None:
    """A calibration survives the disk."""
    found = made(1.0)
    calibration.save([found], tmp_path / "c.json")
    assert calibration.load(tmp_path / "c.json") == [found]
    assert msgspec.json.decode((tmp_path / "c.json").read_bytes())[0]["category"] == "hostility"
