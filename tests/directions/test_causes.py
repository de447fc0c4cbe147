"""What part a direction plays is decided by the controls, and a planted lever is told from a direction that means nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from wolfnote import Estimate, Verdict, models, report
from wolfnote.directions import causes, null, price
from wolfnote.directions.activations import answer_means
from wolfnote.directions.direction import Direction
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel
from wolfnote.records import chat

FEW = causes.Settings(triples=4, doses=(-0.2, 0.2), controls=3, price_texts=2, whole=1e9)


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
    controls = {key: [-0.3, 0.1, 0.3] for key in effects}
    found, reason = causes.judge("test", effects, controls, FEW, (-0.2, 0.2))
    assert found == role
    assert f"is a {role}" in reason
    assert "-0.30 to +0.30" in reason


def test_an_effect_whose_interval_holds_zero_counts_for_nothing() -> None:
    """Beyond the controls is not enough when the triples disagree."""
    effects = {"at +0.2": effect(1.0, 2.0), "at -0.2": effect(-1.0, 2.0), causes.OUT: effect(-1.0, 2.0)}
    assert causes.judge("test", effects, {key: [0.0] for key in effects}, FEW, (-0.2, 0.2))[0] == "correlate"


def test_a_run_is_whole_resumable_and_shown(model: LocalModel, tmp_path: Path) -> None:
    """Every dose, the ablation and each price are there; a second call measures nothing again; the page shows the doses."""
    found = direction(model)
    asked: list[int] = []
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        first = causes.run(model, found, FEW, folder=folder, on_event=lambda e: asked.append(e.done))
        records = (tmp_path / "run" / "records.jsonl").read_bytes()
        assert causes.run(model, found, FEW, folder=folder) == first
        assert (tmp_path / "run" / "records.jsonl").read_bytes() == records
        folder.finish(first)
    assert [e.name for e in first.estimates[:3]] == ["test at -0.2", "test at +0.2", "test taken out"]
    assert sum("perplexity" in e.name for e in first.estimates) == 3
    assert asked[-1] == 1 + 3 + 3 * FEW.controls
    assert model.network.interventions == []
    assert report.render(tmp_path / "run").count("<svg") == 1


def test_a_direction_that_means_nothing_is_called_a_lever_no_oftener_than_said(model: LocalModel) -> None:
    """Drawn like the controls, by chance it stands out once in n + 1 at most: of three with eight controls, two would be odd."""
    activations = answer_means(model, [(chat(t.prompt), t.answer) for t in price.benign_texts()])
    like = [null.control(direction(model), activations, 100 + seed) for seed in range(3)]
    settings = msgspec.structs.replace(FEW, controls=8, triples=3)
    passed = [causes.run(model, found, settings).verdict is Verdict.PASS for found in like]
    assert sum(passed) <= 1


def test_a_dose_that_breaks_the_model_does_not_decide(model: LocalModel) -> None:
    """What a broken model finds likely says nothing: smaller doses decide, and where there are none it says so."""
    prices = {f"at {dose:+g}": Estimate("p", rise, None, None, 1, "") for dose, rise in
              ((-1.0, 3.0), (-0.5, 0.2), (0.25, 0.1), (0.5, 0.9))}  # fmt: skip
    settings = causes.Settings(doses=(-1.0, -0.5, 0.25, 0.5))
    assert causes._deciding(prices, settings) == (-0.5, 0.25)
    strict = causes.run(model, direction(model), msgspec.structs.replace(FEW, whole=-1.0))
    assert strict.verdict is Verdict.INCONCLUSIVE
    assert "smaller ones" in strict.reasons[0]
