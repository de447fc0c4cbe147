"""What a tune would take is seen from a few real steps, of which nothing stays."""

import tempfile
from pathlib import Path

import pytest

from wolfnote import InputError, Message, records, tuning

SAMPLES = [
    records.sample((Message("user", f"where is the {i}"), Message("assistant", "the cat sleeps " * (1 + i % 3))))
    for i in range(30)
]
SETTINGS = tuning.Settings(rank=2, batch=4, epochs=3, max_tokens=60)


def test_steps_are_taken_and_thrown_away(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, tokens, minutes and the size of what is kept; the test's own folder is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    plan = tuning.plan(tiny, SAMPLES, SETTINGS)
    assert plan.estimate("rows").value == 30
    assert plan.estimate("tokens in").value > 30 * 3 * 10
    minutes = plan.estimate("minutes")
    assert minutes.low is not None
    assert minutes.high is not None
    assert 0 < minutes.low <= minutes.value <= minutes.high
    assert plan.estimate("disk, MB").value > 0
    assert list(tmp_path.iterdir()) == []


def test_ten_times_the_epochs_take_longer(tiny: str) -> None:
    """The count of steps is that of the run, not of the test."""
    short, long = (
        tuning.plan(tiny, SAMPLES, tuning.Settings(rank=2, batch=4, epochs=n)).estimate("minutes").value for n in (10, 400)
    )
    assert long > 3 * short


def test_what_cannot_be_learnt_is_said(tiny: str) -> None:
    """Rows whose answer is cut off are counted apart; none at all, or a server's model, is an error."""
    long = [records.sample((Message("user", "where " * 80), Message("assistant", "now")), "x:1")]
    plan = tuning.plan(tiny, [*SAMPLES, *long], SETTINGS)
    assert [(s.what, s.count) for s in plan.skipped] == [("row", 1)]
    with pytest.raises(InputError, match="no row has an answer"):
        tuning.plan(tiny, long, SETTINGS)
    with pytest.raises(InputError, match="whose weights are here"):
        tuning.plan("https://models.example/v1#x", SAMPLES, SETTINGS)
