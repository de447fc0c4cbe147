"""Moments: parts add up to the whole, and a small spread beside a large mean is not lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wolfnote import models
from wolfnote.directions.accumulation import Moments, accumulate
from wolfnote.directions.activations import Position, gather
from wolfnote.records import chat as ask

ROWS = [
    (ask(f"what is {word}"), f"the {word} is {other}") for word in ("red", "blue", "small") for other in ("tall", "the cat")
]


def drawn(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 3, 8)))


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 39), unique=True, max_size=6))
def test_merging_shards_equals_one_pass(cuts: list[int]) -> None:
    """However the rows are cut, mean, variance and covariance are those of all of them together."""
    rows = drawn(40)
    shards = [part for part in torch.tensor_split(rows, sorted(cuts)) if len(part)]
    whole = Moments.of(rows, products=True)
    merged = Moments.of(shards[0], products=True)
    for shard in shards[1:]:
        merged = merged.merged(Moments.of(shard, products=True))
    assert merged.n == 40
    for name in ("mean", "variance", "covariance"):
        assert torch.allclose(getattr(merged, name), getattr(whole, name), rtol=1e-12, atol=1e-14)
    assert np.allclose(whole.covariance[1].numpy(), np.cov(rows[:, 1].numpy().T))


def test_a_small_spread_beside_a_large_mean_is_kept() -> None:
    """The first pitfall of streaming: E[x²] − E[x]² in float32 loses it entirely."""
    rows = (drawn(500) * 1e-2 + 1e3).float()
    held = Moments.of(rows[:1])
    for row in rows[1:].split(7):
        held = held.merged(Moments.of(row))
    naive = (rows.square().mean(0) - rows.mean(0).square()).abs()
    truth = rows.double().var(0)
    assert torch.allclose(held.variance, truth, rtol=1e-9)
    assert not torch.allclose(naive.double(), truth, rtol=0.5)


def test_products_are_only_there_when_asked_for() -> None:
    """A covariance that was not kept is an error, not a diagonal one in disguise; and one without makes both without."""
    rows = drawn(6)
    with pytest.raises(ValueError, match="without products"):
        _ = Moments.of(rows).covariance
    assert Moments.of(rows, products=True).merged(Moments.of(rows)).products is None


def test_a_pass_that_keeps_no_rows_gives_the_moments_of_all_rows(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamed in small batches, at two positions, they equal those of the rows kept in memory."""
    monkeypatch.setattr("wolfnote.directions.activations.TOKENS_A_BATCH", 64)
    model = models.open_local(tiny)
    where = (Position.ANSWER, Position.PROMPT_END)
    events: list[int] = []
    streamed = accumulate(model, ROWS, lambda event: events.append(event.done), positions=where, products=True)
    kept = Moments.of(torch.from_numpy(gather(model, ROWS, positions=where)).transpose(0, 1), products=True)
    assert len(events) > 1
    assert streamed.n == len(ROWS)
    assert torch.allclose(streamed.mean, kept.mean, atol=1e-5)
    assert torch.allclose(streamed.covariance, kept.covariance, atol=1e-4)
