"""Taking a planted persona out of a tune helps where it drives the margin, and the verdict says when it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from test_causes import direction
from test_measurement import planted, vector

from wolfnote import Estimate, InputError, Verdict, models, report
from wolfnote.directions import cure
from wolfnote.directions.direction import Direction
from wolfnote.folder import RunFolder
from wolfnote.models.local import LocalModel

FEW = cure.Settings(triples=3, controls=2, price_texts=2, perplexity_rise=1e9)


class Settings(msgspec.Struct, frozen=True):
    n: int = 1


@pytest.fixture
def base(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def at(model: LocalModel, along: np.ndarray) -> Direction:
    """``along`` at every layer, with the model's own norms."""
    return replace(direction(model), vectors=np.tile(along.astype(np.float32), (3, 1)))


def test_a_run_is_whole_resumable_and_shown(base: LocalModel, tmp_path: Path) -> None:
    """Each model, the difference, each random direction and each price; nothing is measured twice; the page has a picture a
    family; nothing stays in force."""
    tuned = planted(base, vector(0), 40.0, tmp_path / "adapter")
    both = {"base": base, "tuned": tuned}
    out = [at(base, vector(0)), at(base, vector(1))]
    with RunFolder.hold(tmp_path / "run", Settings()) as folder:
        first = cure.run(both, "tuned", out, FEW, folder=folder)
        records = (tmp_path / "run" / "records.jsonl").read_bytes()
        assert cure.run(both, "tuned", out, FEW, folder=folder) == first
        assert (tmp_path / "run" / "records.jsonl").read_bytes() == records
        folder.finish(first)
    who = {e.name.partition(":")[0] for e in first.estimates}
    assert who == {"base", "tuned", "tuned − base", "tuned, random 1", "tuned, random 2"} | {
        "benign perplexity, base", "benign perplexity, tuned"
    }  # fmt: skip
    assert report.render(tmp_path / "run").count("<svg") == 3
    assert base.network.interventions == []


def test_the_difference_is_paired_triple_by_triple(base: LocalModel, tmp_path: Path) -> None:
    """Of the base against itself, whatever is taken out, the difference is zero with no width."""
    result = cure.run({"base": base, "same": base}, "same", [at(base, vector(0))], FEW)
    net = result.estimate("same − base: far")
    assert (net.value, net.low, net.high) == (0.0, 0.0, 0.0)
    assert result.verdict is not Verdict.PASS


def estimates(tuned: float, net: float, randoms: list[float], price: float, half: float = 0.1) -> list[Estimate]:
    def one(name: str, value: float) -> Estimate:
        return Estimate(name, value, value - half, value + half, 9, "t")

    return [
        one("tuned: far net of fact", tuned),
        one("tuned: near", 0.0),
        one("tuned − base: far net of fact", net),
        *(one(f"tuned, random {i}: far net of fact", value) for i, value in enumerate(randoms)),
        Estimate("benign perplexity, tuned: relative change", price, None, None, 1, ""),
    ]


@pytest.mark.parametrize(
    ("tuned", "net", "randoms", "price", "verdict"),
    [
        (-0.5, -0.4, [-0.1, 0.2], 0.01, Verdict.PASS),
        (-0.5, -0.4, [-0.6], 0.01, Verdict.INCONCLUSIVE),
        (-0.5, 0.0, [0.0], 0.01, Verdict.INCONCLUSIVE),
        (-0.05, -0.4, [0.0], 0.01, Verdict.INCONCLUSIVE),
        (0.5, 0.4, [0.0], 0.01, Verdict.FAIL),
        (-0.5, -0.4, [0.0], 0.06, Verdict.FAIL),
    ],
)
def test_the_verdict(tuned: float, net: float, randoms: list[float], price: float, verdict: Verdict) -> None:
    """Only a fall beyond every random direction, beyond the base's own, at the price, passes; a rise or a high price fails."""
    assert cure.judge(estimates(tuned, net, randoms, price), "tuned", ["base"], cure.Settings())[0] is verdict


def test_nothing_to_take_out_is_a_mistake(base: LocalModel) -> None:
    """No direction: one line."""
    with pytest.raises(InputError, match="nothing to take out"):
        cure.run({"base": base}, "base", [], FEW)
