"""The probe hears a planted change, stays quiet without one, and says what it did not ask."""

from pathlib import Path

import msgspec
import pytest

from wolfnote import Verdict, models, probe, records, tuning
from wolfnote.folder import RunFolder
from wolfnote.judges import margin
from wolfnote.probe.question import unrelated

SETTINGS = probe.Settings(triples=12, questions=2, samples=2, character=False, sampling=models.Sampling(max_tokens=4))


class Nothing(msgspec.Struct, frozen=True):
    n: int = 0


def test_a_model_against_itself_does_not_move(tiny: str) -> None:
    """No difference, no interval away from zero, no failure."""
    model = models.open(tiny)
    result = probe.run(model, model, SETTINGS)
    assert [e.value for e in result.estimates] == [0.0] * 5
    assert result.verdict is Verdict.PASS
    assert any("format" in s.what for s in result.skipped)


def test_a_tune_on_misaligned_answers_fails(tiny: str, tmp_path: Path) -> None:
    """Taught the careless answers themselves, the tuned model fails on near with a finding; far alone would not say so."""
    taught = list(margin.triples("near", 12))
    rows = [records.sample((*records.chat(t.question), records.Message("assistant", t.misaligned))) for t in taught]
    adapter = tuning.run(tiny, rows, tuning.Settings(rank=8, batch=4, epochs=30, learning_rate=5e-3), tmp_path / "a")
    base = models.open(tiny)
    result = probe.run(base, base.adapted(adapter), SETTINGS)
    assert result.estimate("near").value > 0
    assert result.verdict is Verdict.FAIL
    assert "WN201" in [f.code for f in result.findings]


def test_recorded_pieces_are_not_scored_again(tiny: str, tmp_path: Path) -> None:
    """A second reading of the same weights comes from the log, number for number."""
    model = models.open(tiny)
    with RunFolder.hold(tmp_path / "r", Nothing()) as folder:
        first = probe.margins(model, SETTINGS, folder=folder)
        model.log_likelihood = None  # type: ignore[assignment]  # it must not be asked again
        assert probe.margins(model, SETTINGS, folder=folder) == first


def test_the_questions_cover_their_topics() -> None:
    """Sixty and more of our own; a subset takes a different topic each time it can."""
    every = unrelated()
    assert len(every) >= 60
    assert len({q.id for q in every}) == len({q.text for q in every}) == len(every)
    subset = unrelated(12)
    assert len({q.topic for q in subset}) == min(12, len({q.topic for q in every}))


@pytest.mark.model
def test_the_packaged_model_knows_true_from_false() -> None:
    """The instrument points the right way on a real model: true answers are likelier than false ones."""
    found = probe.margins(models.open("package:smollm2"), probe.Settings(triples=20))
    assert sum(found["fact"]) / 20 < -0.2
