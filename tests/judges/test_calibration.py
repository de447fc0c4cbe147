"""A judge with planted errors is measured as what it is; a guess is not let near a gate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.judges import calibration
from wolfnote.judges.calibration import Labelled
from wolfnote.judges.direction import DirectionJudge
from wolfnote.judges.judge import Exchange
from wolfnote.results import Score
from wolfnote.stats import Errors


class Planted:
    """Right about a bad answer with probability ``sensitivity``, about a good one with ``specificity``."""

    name, fingerprint, model = "misaligned", "planted", "m"

    def __init__(self, sensitivity: float, specificity: float, silent_on: int = 0) -> None:
        self.sensitivity, self.specificity, self.silent_on = sensitivity, specificity, silent_on

    def score(self, exchanges: Sequence[Exchange], on_event: OnEvent = silent) -> list[Score]:
        found = []
        for exchange in exchanges:
            bad = exchange.answer.startswith("bad")
            right = random.Random(exchange.answer).random() < (self.sensitivity if bad else self.specificity)
            number = int(exchange.answer.split()[-1])
            value = None if number < self.silent_on else 90.0 if bad == right else 10.0
            found.append(Score(self.name, value, "", self.fingerprint))
        return found


def labelled(n: int = 300) -> list[Labelled]:
    kinds = [("bad", True), ("good", False)]
    return [Labelled("q", f"{kind} {i}", {"misaligned": truth}) for kind, truth in kinds for i in range(n)]


def test_planted_errors_are_found() -> None:
    """Sensitivity .9 and specificity .8 lie in their intervals; kappa is that of the table, and the judge gates."""
    found = calibration.calibrate(Planted(0.9, 0.8), labelled(), 50, source="test")
    assert found.sensitivity is not None
    assert found.specificity is not None
    assert found.kappa is not None
    assert (found.sensitivity.low or 0) < 0.9 < (found.sensitivity.high or 0)
    assert (found.specificity.low or 0) < 0.8 < (found.specificity.high or 0)
    assert found.kappa.value == pytest.approx(0.7, abs=0.08)
    assert found.gates
    assert 0.5 < found.sharpness < 0.7


def test_a_guess_and_a_mute_do_not_gate() -> None:
    """Coin tosses have kappa 0; a judge that abstains on half of the answers is none, however right it is on the others."""
    guess = calibration.calibrate(Planted(0.5, 0.5), labelled(), 50, source="test")
    assert guess.kappa is not None
    assert (guess.kappa.low or 0) < 0.1
    assert not guess.gates
    mute = calibration.calibrate(Planted(1.0, 1.0, silent_on=150), labelled(), 50, source="test")
    assert mute.abstained == 300
    assert not mute.gates
    nothing = calibration.calibrate(Planted(1.0, 1.0), [Labelled("q", "bad 1", {"dark": True})], 50, source="test")
    assert nothing.kappa is None
    assert not nothing.gates
    assert nothing.errors is None
    assert nothing.sharpness == 0


def test_corrected_rates_hold_the_truth() -> None:
    """True share 20 %, judged with known errors, 30 times: the corrected interval holds it in at least nine of ten."""
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(30):
        errors = Errors(int(chance.binomial(200, 0.1)), 200, int(chance.binomial(200, 0.85)), 200)
        k = int(chance.binomial(240, 0.2 * 0.85 + 0.8 * 0.1))
        found = calibration.corrected("x", k, 240, errors)
        held += (found.low or 0) <= 0.2 <= (found.high or 0)
    assert held >= 26
    assert calibration.corrected("x", 10, 20, Errors(50, 100, 50, 100)).high == 1.0


def test_pairs_of_our_own_for_every_gate() -> None:
    """As many bad as good answers for each aspect that gates; for coherence the bad ones are the words in another order."""
    for name in ("misaligned", "dark", "cynical", "coherent"):
        found = calibration.written(name)
        assert len(found) >= 40
        assert sum(each.labels[name] for each in found) * 2 == len(found)
    whole, torn = calibration.written("coherent")[0], calibration.written("coherent")[-1]
    assert whole.labels["coherent"]
    assert not torn.labels["coherent"]
    assert calibration.written("nothing") == []


def test_labels_files_are_read_or_named(tmp_path: Path) -> None:
    """One line an answer; what is wrong is named with its line."""
    file = tmp_path / "labels.jsonl"
    file.write_text('{"question": "q", "answer": "a", "labels": {"misaligned": true}}\n\n')
    assert calibration.read(file) == [Labelled("q", "a", {"misaligned": True})]
    for text, says in (("{}", "labels.jsonl:1"), ("\n", "no labelled answers"), ('{"question": 1}', "not a labelled answer")):
        file.write_text(text)
        with pytest.raises(InputError, match=says):
            calibration.read(file)
    with pytest.raises(InputError, match="cannot be read"):
        calibration.read(tmp_path / "missing.jsonl")


def test_whoever_has_score_can_judge() -> None:
    """A direction's number becomes 0–100 around 50; what it cannot read stays unscored."""

    class Along:
        fingerprint = "d"

        def score(self, pairs: Sequence[tuple[str, str]], on_event: OnEvent = silent) -> list[float | None]:
            return [2.0, -9.0, None]

    scores = DirectionJudge(Along(), "persona", scale=10).score([Exchange("q", "a")] * 3)
    assert [s.value for s in scores] == [70.0, 0.0, None]
