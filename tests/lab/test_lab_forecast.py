"""The demo's forecast holds its audit and its tune, and is more than their sum."""

from pathlib import Path

import pytest

from wolfnote import audit, models, probe, tuning
from wolfnote.directions import extraction
from wolfnote.lab import demo

SMALL = demo.Settings(
    train_work=4000,
    texts=3,
    price_texts=6,
    audit=audit.Settings(limit=6),
    tune=tuning.Settings(rank=2, epochs=1),
    probe=probe.Settings(triples=8, questions=2, samples=1, character=False, sampling=models.Sampling(max_tokens=4)),
    direction=extraction.Settings(questions=3, answer_tokens=4),
)


def test_the_whole_takes_longer_than_its_parts(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audit and tune are parts with forecasts of their own; the rest comes on top; rows left out are named."""
    import msgspec

    monkeypatch.setenv("WOLFNOTE_CACHE", str(tmp_path))
    plan = demo.plan(msgspec.structs.replace(SMALL, model=tiny))
    audited, tuned = plan.parts
    assert plan.estimate("minutes").value > audited.estimate("minutes").value + 2 * tuned.estimate("minutes").value
    assert plan.estimate("tokens in").value > audited.estimate("tokens in").value + 2 * tuned.estimate("tokens in").value
    assert plan.estimate("rows").value == 2 * tuned.estimate("rows").value
    assert any("rows of the bad file" in s.what for s in plan.skipped)
    assert list(tmp_path.iterdir()) == []
