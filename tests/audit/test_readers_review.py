"""What people judged recalibrates a reader; too few judgements, and other weights, are refused."""

from pathlib import Path
from typing import Any

import pytest

from wolfnote import InputError
from wolfnote.audit.detector import Category
from wolfnote.audit.readers import calibration, fitted, reference, review
from wolfnote.audit.readers.projection import Reader
from wolfnote.records import Message, Sample, sample


class Told(Reader):
    """A reader whose raw score is written in the answer."""

    def raw(self, samples: Any, on_event: Any = None) -> dict[int, float]:
        return {i: float(s.answer) for i, s in enumerate(samples)}


@pytest.fixture
def readers() -> list[Reader]:
    """The shipped heads, without a model behind them."""
    from importlib import resources

    name = next(f.name for f in (resources.files("wolfnote.audit.readers") / "shipped").iterdir() if f.name.endswith(".npz"))
    named: Any = type("Weights", (), {"fingerprint": name.split("-")[0]})
    found = fitted.shipped(named, reference.version())
    assert found is not None
    return [Told(None, head, c) for head, c in found.values()]  # type: ignore[arg-type]


def judged(bad: int) -> tuple[list[Sample], dict[str, set[Category]]]:
    """100 rows whose score is their number; the last ``bad`` are hostile."""
    rows = [sample((Message("user", f"q{i}"), Message("assistant", str(i)))) for i in range(100)]
    return rows, {row.id: {"hostility"} if i >= 100 - bad else set() for i, row in enumerate(rows)}


def test_the_curve_follows_the_judgements(readers: list[Reader], tmp_path: Path) -> None:
    """Only the category that people found is calibrated anew: its threshold moves to where they drew the line."""
    found = review.calibrate(readers, *judged(40), source="run")
    assert [c.category for c in found] == ["hostility"]
    assert 55 < found[0].threshold < 62
    assert found[0].sensitivity.value > 0.9
    calibration.save(found, tmp_path / "c.json")
    new = {r.category: r for r in review.recalibrated(readers, tmp_path / "c.json")}
    assert new["hostility"].calibration == found[0]
    assert new["manipulation"].calibration.source.startswith("rows that Wolfnote wrote")


def test_too_few_judgements_are_refused(readers: list[Reader]) -> None:
    """Nineteen hostile rows are not enough for anything."""
    with pytest.raises(InputError, match="often enough"):
        review.calibrate(readers, *judged(19), source="run")


def test_calibrations_of_other_weights_are_refused(readers: list[Reader], tmp_path: Path) -> None:
    """A curve belongs to the weights whose scores it was drawn through."""
    import msgspec

    found = review.calibrate(readers, *judged(40), source="run")
    calibration.save([msgspec.structs.replace(found[0], model="other")], tmp_path / "c.json")
    with pytest.raises(InputError, match="made for the model other"):
        review.recalibrated(readers, tmp_path / "c.json")
