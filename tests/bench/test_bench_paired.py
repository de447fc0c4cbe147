"""Bounds of a paired loss: known answers from the literature, and what they promise, by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wolfnote.bench import paired


def outcomes(both: int, base: int, tuned: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Right-or-wrong values of so many items that both, only the base, only the tuned, or neither got right."""
    before = np.r_[np.ones(both + base), np.zeros(tuned + neither)]
    after = np.r_[np.ones(both), np.zeros(base), np.ones(tuned), np.zeros(neither)]
    return before, after


def loss_of(both: int, base: int, tuned: int, neither: int) -> paired.Loss:
    before, after = outcomes(both, base, tuned, neither)
    found = paired.lost(before, after, np.arange(len(before), dtype=float))
    assert found is not None
    return found


def test_tangos_interval_of_a_published_example() -> None:
    """21 patients, 7 worse and 1 better: [0.026, 0.517] (Fagerland, Lydersen & Laake, Statistics in Medicine 33, 2014)."""
    low, high = loss_of(12, 7, 1, 1).interval()
    assert (round(low, 3), round(high, 3)) == (0.026, 0.517)


def test_no_change_is_no_proof_of_no_loss() -> None:
    """0 of 100 lost: the high bound is Wilson's for 0 of 100, not zero; a gain and a loss are mirror images."""
    z = 1.959964
    low, high = loss_of(60, 0, 0, 40).interval()
    assert high == pytest.approx(z**2 / (100 + z**2), abs=1e-6)
    assert low == pytest.approx(-high, abs=1e-9)
    worse, better = loss_of(50, 9, 2, 39).interval(), loss_of(50, 2, 9, 39).interval()
    assert worse == pytest.approx((-better[1], -better[0]), abs=1e-9)


def test_p_values_agree_with_the_interval() -> None:
    """At the bound itself the p-value is 2.5 %: interval and gate cannot contradict each other."""
    for found in (loss_of(50, 12, 3, 35), loss_of(90, 4, 4, 12)):
        low, high = found.interval()
        assert found.at_most(low) == pytest.approx(0.025, abs=1e-6)
        assert found.at_least(high) == pytest.approx(0.025, abs=1e-6)


def test_the_unpaired_test_misses_what_mcnemar_sees() -> None:
    """On the 220 items of lm-eval's pull request 3868 the unpaired z-test says .080, the exact paired test .008."""
    before, after = outcomes(68, 30, 12, 110)
    assert round(paired.unpaired(before, after), 3) == 0.080
    assert round(paired.mcnemar(30, 12), 3) == 0.008


def test_mcnemar_is_exact() -> None:
    """Two-sided binomial: 6 of 6 is 2/64, 5 to 5 is certain to be no evidence, nothing changed is none either."""
    assert paired.mcnemar(6, 0) == pytest.approx(2 / 64)
    assert paired.mcnemar(5, 5) == 1.0
    assert paired.mcnemar(0, 0) == 1.0


def test_copies_of_an_item_are_no_new_evidence() -> None:
    """Each item five times: with the source known, the interval is as wide as that of the single items, or a little wider."""
    before, after = outcomes(120, 20, 8, 52)
    single = paired.lost(before, after, np.arange(200.0))
    copies = paired.lost(np.repeat(before, 5), np.repeat(after, 5), np.repeat(np.arange(200.0), 5))
    blind = paired.lost(np.repeat(before, 5), np.repeat(after, 5), np.arange(1000.0))
    assert single
    assert copies
    assert blind
    width = [high - low for low, high in (found.interval() for found in (single, copies, blind))]
    assert width[0] <= width[1] < 1.1 * width[0]
    assert width[2] < 0.5 * width[0]


def test_real_values_get_a_t_interval() -> None:
    """The textbook paired t interval; too few changed values are each counted whole, which is wider."""
    rng = np.random.default_rng(1)
    before, shift = rng.uniform(0.3, 0.7, 50), rng.normal(0.02, 0.1, 50)
    found = paired.lost(before, before - shift, np.arange(50.0))
    assert found is not None
    half = 2.009575 * shift.std(ddof=1) / math.sqrt(50)
    assert found.interval() == pytest.approx((shift.mean() - half, shift.mean() + half), abs=1e-5)
    few = before.copy()
    few[:3] -= 0.01
    counted = paired.lost(before, few, np.arange(50.0))
    assert counted is not None
    assert "counted whole" in counted.method
    assert counted.interval()[1] > 0.05


def test_the_same_change_everywhere_is_certain() -> None:
    """Every item loses a quarter: no spread, no division by it, and a verdict."""
    found = paired.lost(np.full(20, 0.75), np.full(20, 0.5), np.arange(20.0))
    assert found is not None
    assert found.interval() == pytest.approx((0.25, 0.25), abs=1e-9)
    assert found.at_most(0.05) == 0.0


def test_one_source_is_no_sample() -> None:
    """All items from one source, or a single item: no interval."""
    before, after = outcomes(5, 2, 1, 2)
    assert paired.lost(before, after, np.zeros(10)) is None
    assert paired.lost(before[:1], after[:1], np.zeros(1)) is None


@pytest.mark.parametrize("clustered", [False, True])
def test_false_alarms_and_false_passes_are_as_stated(clustered: bool) -> None:
    """A loss exactly at the tolerance: FAIL and PASS each at most 2.5 %, within the error of 800 simulated runs; items in
    clusters of five whose losses hang together do not change that, unless the sources are not told."""
    rng = np.random.default_rng(7)
    runs, groups, size, allowed = 800, 60, 5, 0.05
    n, fails, passes, blind = groups * size, 0, 0, 0
    for _ in range(runs):
        share = rng.beta(0.3, 1.7, groups) if clustered else np.full(groups, 0.15)
        lost = rng.random((groups, size)) < share[:, None]
        won = (rng.random((groups, size)) < 0.1 / 0.85) & ~lost  # 15 % lost, 10 % won: the loss is 5 points
        base, tuned = np.where(lost, 1.0, 0.0).ravel(), np.where(won, 1.0, 0.0).ravel()
        sources = np.repeat(np.arange(groups), size) if clustered else np.arange(n)
        found = paired.lost(base, tuned, sources.astype(float))
        told = paired.lost(base, tuned, np.arange(float(n)))
        assert found
        assert told
        fails += found.at_most(allowed) <= 0.025
        passes += found.at_least(allowed) <= 0.025
        blind += told.at_most(allowed) <= 0.025 or told.at_least(allowed) <= 0.025
    assert fails / runs < 0.045
    assert passes / runs < 0.045
    assert (blind / runs > 0.09) is clustered
