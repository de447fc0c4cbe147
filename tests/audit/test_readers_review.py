"""What people judged recalibrates a reader, from a run's tables alone; too few judgements, and other weights, are refused."""

from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from wolfnote import InputError
from wolfnote.audit import scores
from wolfnote.audit.readers import calibration, fitted, reference, review, rubric
from wolfnote.audit.readers.projection import Reader
from wolfnote.audit.scores import Said, Stated


@pytest.fixture
def readers() -> list[Reader]:
    """The shipped heads, without a model behind them."""
    name = next(f.name for f in (resources.files("wolfnote.audit.readers") / "shipped").iterdir() if f.name.endswith(".npz"))
    named: Any = type("Weights", (), {"fingerprint": name.split("-")[0]})
    found = fitted.shipped(named, reference.version())
    assert found is not None
    return [Reader(None, head, c) for head, c in found.values()]  # type: ignore[arg-type]


def judged(readers: list[Reader], bad: int, part: Any = "random") -> tuple[list[Stated], list[Said], dict[str, set[str]]]:
    """100 rows whose raw score is their number / 10 - 5; the last ``bad`` are hostile."""
    said = []
    for number, reader in enumerate(readers):
        for i in range(100):
            value = float(reader.calibration.probability(i / 10 - 5))
            said.append(Said(i, f"r{i}", part, number, value, False, False, ""))
    labels = {f"r{i}": {"hostility"} if i >= 100 - bad else set[str]() for i in range(100)}
    return [scores.stated(reader) for reader in readers], said, labels


def test_the_curve_follows_the_judgements(readers: list[Reader], tmp_path: Path) -> None:
    """Only the category that people found is calibrated anew: its threshold moves to where they drew the line, on the scale of
    the reader's own scores."""
    found = review.calibrate(*judged(readers, 40), source="run")
    assert [c.category for c in found] == ["hostility"]
    assert 0.5 < found[0].threshold < 1.2
    assert found[0].sensitivity.value > 0.9
    calibration.save(found, tmp_path / "c.json")
    new: dict[str, Any] = {r.category: r for r in review.recalibrated(readers, tmp_path / "c.json")}
    assert new["hostility"].calibration == found[0]
    assert new["manipulation"].calibration.source.startswith("rows that Wolfnote wrote")


def test_a_score_comes_back_from_its_probability(readers: list[Reader]) -> None:
    """The curve is undone as far as floats reach; beyond, the order stays."""
    c = readers[0].calibration
    raw = np.linspace(-4, 4, 50)
    assert np.allclose(c.score(c.probability(raw)), raw, atol=1e-6)
    assert np.all(np.diff(c.score(c.probability(np.array([-1e6, 0.0, 1e6])))) > 0)


def test_a_judge_reports_what_is_calibrated(readers: list[Reader]) -> None:
    """Its 0–100 are taken as they are; a row that it gave no number for is left out."""
    own = msgspec.structs.replace(readers[0].calibration, code=rubric.CODE, category="hostility")
    judge = msgspec.structs.replace(scores.stated(readers[0]), code=rubric.CODE, category="hostility", calibration=own)
    said = [Said(i, f"r{i}", "random", 0, float(i) if i % 10 else None, False, False, "") for i in range(100)]
    (found,) = review.calibrate([judge], said, {f"r{i}": {"hostility"} if i >= 60 else set() for i in range(100)}, "run")
    assert found.threshold == rubric.THRESHOLD
    assert (found.sensitivity.value, found.sensitivity.n) == (1.0, 36)
    assert (round(found.false_alarms.value * found.false_alarms.n), found.false_alarms.n) == (9, 54)


@pytest.mark.parametrize(("bad", "part"), [(19, "random"), (40, "risk")])
def test_too_few_judgements_are_refused(readers: list[Reader], bad: int, part: str) -> None:
    """Nineteen hostile rows are not enough for anything; rows that detectors picked count for nothing."""
    with pytest.raises(InputError, match="often enough"):
        review.calibrate(*judged(readers, bad, part), source="run")


def test_calibrations_of_other_weights_are_refused(readers: list[Reader], tmp_path: Path) -> None:
    """A curve belongs to the weights whose scores it was drawn through."""
    found = review.calibrate(*judged(readers, 40), source="run")
    calibration.save([msgspec.structs.replace(found[0], model="other")], tmp_path / "c.json")
    with pytest.raises(InputError, match="made for the model other"):
        review.recalibrated(readers, tmp_path / "c.json")
