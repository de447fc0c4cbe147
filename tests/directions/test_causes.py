"""What part a direction plays is decided by the controls, and a planted lever is told from a direction that means nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from wolfnote import Estimate, InputError, Verdict, directions, models, report
from wolfnote.directions import causes, null, price, steering, sweep
from wolfnote.directions.activations import answer_means
from wolfnote.directions.direction import Direction
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.records import chat

FEW = causes.Settings(triples=4, sweep_triples=3, depths=(0.5,), doses=(0.2,), controls=3, price_texts=2, whole=1e9)


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def direction(model: LocalModel, seed: int = 0) -> Direction:
    """A random unit vector a layer with the model's own norms."""
    vectors = np.random.default_rng(seed).standard_normal((3, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    means = answer_means(model, [(chat(t.prompt), t.answer) for t in price.benign_texts()[:4]])
    along = np.einsum("rlw,lw->rl", means, vectors)
    norm = np.median(np.linalg.norm(means, axis=2), axis=0)
    return Direction("test", vectors, along.mean(0), along.std(0), along.std(0), norm, model.fingerprint)


def upward(model: LocalModel) -> Direction:
    """One of the random directions, with the sign that raises the margin of the triples that choose."""
    found = direction(model)
    work = causes._Work(model, FEW, 0, None, lambda _: None)
    up = sum(work.change(causes.Act(found, 0.2, range(1, 2)), work.choosing))
    down = sum(work.change(causes.Act(found, -0.2, range(1, 2)), work.choosing))
    return found if up > down else replace(found, vectors=-found.vectors, neutral=-found.neutral)


def effect(value: float, half: float = 0.1) -> Estimate:
    return Estimate("x", value, value - half, value + half, 9, "t")


@pytest.mark.parametrize(
    ("up", "down", "out", "role"),
    [
        (1.0, -1.0, -1.0, "driver"),
        (1.0, -1.0, 0.0, "lever"),
        (1.0, -1.0, 1.0, "guardrail"),
        (0.0, 0.0, 1.0, "guardrail"),
        (1.0, 0.0, 0.0, "correlate"),
        (0.2, -0.2, -0.2, "correlate"),
        (0.0, 0.0, 0.0, "correlate"),
    ],
)
def test_the_part_is_decided_against_every_control(up: float, down: float, out: float, role: str) -> None:
    """Controls reach ±0.3: an effect within them counts for nothing, whatever its interval."""
    effects = {"at +0.2": effect(up), "at -0.2": effect(down), causes.OUT: effect(out)}
    controls = causes.Controls({key: [-0.3, 0.1, 0.3] for key in effects}, {key: [0.0] for key in effects})
    found, reason = causes.judge("test", effects, controls, FEW, 0.2)
    assert found == role
    assert f"is a {role}" in reason
    assert "random directions -0.30 to +0.30; unrelated personas +0.00 to +0.00" in reason


def test_unrelated_personas_count_as_controls() -> None:
    """What beats every random direction, and no unrelated persona, is a matter of style and not of character."""
    effects = {"at +0.2": effect(1.0), "at -0.2": effect(-1.0), causes.OUT: effect(-1.0)}
    random = {key: [0.0] for key in effects}
    assert causes.judge("test", effects, causes.Controls(random, {key: [] for key in effects}), FEW, 0.2)[0] == "driver"
    style = {"at +0.2": [1.1], "at -0.2": [-1.1], causes.OUT: [-1.1]}
    assert causes.judge("test", effects, causes.Controls(random, style), FEW, 0.2)[0] == "correlate"


def test_an_effect_whose_interval_holds_zero_counts_for_nothing() -> None:
    """Beyond the controls is not enough when the triples disagree."""
    effects = {"at +0.2": effect(1.0, 2.0), "at -0.2": effect(-1.0, 2.0), causes.OUT: effect(-1.0, 2.0)}
    none = causes.Controls({key: [0.0] for key in effects}, {key: [] for key in effects})
    assert causes.judge("test", effects, none, FEW, 0.2)[0] == "correlate"


def test_a_run_is_whole_resumable_and_shown(model: LocalModel, tmp_path: Path) -> None:
    """Every dose, the ablation and each price are there; a second call measures nothing again; the page shows sweep and doses;
    the direction is saved with its part, and is then pushed where that was found."""
    found = upward(model)
    beside = [direction(model, 7)]
    asked: list[int] = []
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        first = causes.run(model, found, FEW, unrelated=beside, folder=folder, on_event=lambda e: asked.append(e.done))
        records = (tmp_path / "run" / "records.jsonl").read_bytes()
        assert causes.run(model, found, FEW, unrelated=beside, folder=folder) == first
        assert (tmp_path / "run" / "records.jsonl").read_bytes() == records
        folder.finish(first)
    assert [e.name for e in first.estimates[:3]] == ["test at -0.2", "test at +0.2", "test taken out"]
    assert sum("perplexity" in e.name for e in first.estimates) == 3
    assert asked[-1] == causes.passes(FEW, 1) == 2 + 3 + 3 * (FEW.controls + 1)
    assert model.network.interventions == []
    assert report.render(tmp_path / "run").count("<svg") == 2
    kept = directions.load(tmp_path / "run" / "directions" / "test.safetensors")
    assert kept.receipts["causes"]["role"] in first.reasons[0]
    assert list(steering.pushed(kept)) == [1]


def test_a_direction_that_means_nothing_is_called_a_lever_no_oftener_than_said(model: LocalModel) -> None:
    """Drawn like the controls, by chance it stands out once in n + 1 at most: of three with eight controls, two would be odd."""
    activations = answer_means(model, [(chat(t.prompt), t.answer) for t in price.benign_texts()])
    like = [null.control(direction(model), activations, 100 + seed) for seed in range(3)]
    settings = msgspec.structs.replace(FEW, controls=8, triples=3)
    passed = [causes.run(model, found, settings).verdict is Verdict.PASS for found in like]
    assert sum(passed) <= 1


def test_a_dose_that_breaks_the_model_does_not_decide(model: LocalModel) -> None:
    """What a broken model finds likely says nothing: where every dose costs more than allowed, it says so."""
    strict = causes.run(model, direction(model), msgspec.structs.replace(FEW, whole=-1.0))
    assert strict.verdict is Verdict.INCONCLUSIVE
    assert "smaller steer.doses" in strict.reasons[0]


def test_all_triples_leave_none_to_choose_by(model: LocalModel) -> None:
    """Told before anything is measured."""
    with pytest.raises(InputError, match="there are 128 far triples"):
        causes.run(model, direction(model), msgspec.structs.replace(FEW, triples=128))


def test_the_choice_is_the_widest_swing_that_leaves_the_model_whole() -> None:
    """A wider swing at a price that breaks the model is passed over; the front holds only what nothing beats."""
    table = {(0, 0.2): (0.3, 0.1), (0, 0.5): (0.5, 0.2), (1, 0.2): (0.2, 0.15), (1, 0.5): (0.9, 3.0)}

    def change(blocks: range, dose: float) -> list[float]:
        swing = table[blocks[0], abs(dose)][0]
        return [swing / 2 + 0.01, swing / 2 - 0.01] if dose > 0 else [-swing / 2, -swing / 2]

    points = sweep.run(2, (0.0, 0.9), (0.2, 0.5), change, lambda blocks, dose: table[blocks[0], abs(dose)][1])
    assert [round(p.swing.value, 6) for p in points] == [0.3, 0.5, 0.2, 0.9]
    choice = sweep.chosen(points, 0.5)
    assert choice is not None
    assert (choice.blocks[0], choice.dose) == (0, 0.5)
    assert [round(p.swing.value, 6) for p in sweep.front(points)] == [0.3, 0.5, 0.9]
    assert sweep.chosen(points, 0.05) is None


def test_blocks_and_dose_are_chosen_on_other_triples(model: LocalModel) -> None:
    """The triples that decide had no part in the choice."""
    work = causes._Work(model, FEW, 0, None, lambda _: None)
    assert not {t.id for t in work.choosing} & {t.id for t in work.judging}
    assert (len(work.choosing), len(work.judging)) == (FEW.sweep_triples, FEW.triples)
