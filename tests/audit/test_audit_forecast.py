"""What an audit would take is counted and timed without touching the disk."""

from pathlib import Path

import pytest

from wolfnote import InputError, Message, audit, records
from wolfnote.audit.readers import advice
from wolfnote.records import Unread

SAMPLES = [
    records.sample((Message("user", f"where is the red {i}"), Message("assistant", "the cat " + "sleeps " * (i % 5))))
    for i in range(60)
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WOLFNOTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_rows_tokens_and_minutes(tiny: str, cache: Path) -> None:
    """The draw is counted, the reference rows of the reader too, time has an interval, and nothing was written."""
    plan = audit.plan(SAMPLES, audit.Settings(limit=40), tiny, unread=[Unread("x:1", "not JSON")] * 3)
    assert plan.estimate("rows").value == 40
    assert plan.estimate("tokens in").value > 40 * 10
    minutes = plan.estimate("minutes")
    assert minutes.low is not None
    assert minutes.high is not None
    assert 0 < minutes.low <= minutes.value <= minutes.high
    assert plan.estimate("money").value == 0
    assert plan.skipped[0].count == 3
    assert any("the reader is fitted" in reason for reason in plan.reasons)
    assert not cache.exists()


def test_a_fitted_reader_costs_nothing_more(tiny: str) -> None:
    """Once the reader is kept, only the rows are left to be read."""
    from wolfnote import models

    before = audit.plan(SAMPLES, audit.Settings(), tiny)
    advice.reader(models.open(tiny))
    after = audit.plan(SAMPLES, audit.Settings(), tiny)
    assert after.estimate("tokens in").value < before.estimate("tokens in").value
    assert not any("fitted" in reason for reason in after.reasons)


def test_a_server_cannot_be_the_reader() -> None:
    """The reader needs activations; that is said before anything is sent."""
    with pytest.raises(InputError, match="whose weights are here"):
        audit.plan(SAMPLES, audit.Settings(), "http://127.0.0.1:1/v1#x")


def test_a_plan_of_files(tiny: str, tmp_path: Path) -> None:
    """Rows of JSONL are counted by their line ends; of other containers it says that it does not know; nothing is written. The
    risky rows are read beside the draw."""
    records.write(SAMPLES, tmp_path / "d.jsonl", "openai")
    records.write(SAMPLES, tmp_path / "d.parquet", "openai")
    before = sorted(tmp_path.iterdir())
    plan = audit.plan_files([tmp_path / "d.jsonl", tmp_path / "d.parquet"], audit.Settings(limit=20, risky=5), tiny)
    assert plan.estimate("rows").value == 25
    (tier_1,) = plan.parts
    assert tier_1.estimate("rows").value == 60
    assert [s.what for s in tier_1.skipped] == ["rows"]
    assert "d.parquet" in tier_1.skipped[0].reason
    assert sorted(p for p in tmp_path.iterdir() if p.name != "cache") == before
