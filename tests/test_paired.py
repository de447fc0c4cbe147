"""Claims about two arms: each has a known answer, and one that must not fire."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from wolfnote import paired
from wolfnote.paired import Counts


def test_stratified_is_the_hypergeometric_by_hand() -> None:
    """Two questions with 2 answers an arm: all four tuned marked, no base one: 1/6 × 1/6; and nothing marked says nothing."""
    assert paired.stratified([2, 2], [0, 0], [2, 2]) == pytest.approx((1 / comb(4, 2)) ** 2)
    assert paired.stratified([0, 0], [0, 0], [2, 2]) == 1.0
    assert paired.stratified([2, 2], [2, 2], [2, 2]) == 1.0


def test_stratified_holds_its_size_with_unlike_questions() -> None:
    """2,000 runs without a change, questions from 0 to 60 %: at most 5 % reject, up to chance."""
    chance = np.random.default_rng(0)
    rates = chance.beta(0.3, 1.5, 20)
    after, before = chance.binomial(4, rates, (2, 600, 20))
    found = [paired.stratified(a, b, [4] * 20) for a, b in zip(after.tolist(), before.tolist(), strict=True)]
    assert np.mean(np.array(found) <= 0.05) < 0.05 + 2.6 * (0.05 * 0.95 / 600) ** 0.5


def test_rise_covers_the_truth_where_nothing_is_seen() -> None:
    """No marked answer in either arm is not certainty: with 240 answers the bound is that of the exact binomial."""
    found = paired.rise("x", Counts(0, 0, 240))
    assert found.low == pytest.approx(-(1 - 0.025 ** (1 / 240)))
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 240))


def test_rise_covers_and_above_is_its_p_value() -> None:
    """Of 1,500 runs with rates 3 % and 9 % at least 95 % of the intervals hold 6 points; the p-value and bound agree."""
    chance = np.random.default_rng(1)
    drawn = zip(chance.binomial(240, 0.09, 1500).tolist(), chance.binomial(240, 0.03, 1500).tolist(), strict=True)
    bounds = [paired.rise("x", Counts(a, b, 240)) for a, b in drawn]
    assert np.mean([(e.low or 0) <= 0.06 <= (e.high or 0) for e in bounds]) > 0.94
    p = paired.above(Counts(40, 5, 240), 0.03)
    assert paired.rise("x", Counts(40, 5, 240), level=1 - 2 * p - 1e-9).low == pytest.approx(0.03, abs=1e-6)
    assert paired.above(Counts(5, 5, 240), 0.03) == 1.0


def test_questions_are_the_unit_for_questions_like_these() -> None:
    """A hundred answers to each of four questions are four differences; and none at all rules out only a share of questions."""
    differences = paired.by_question(["a", "a", "b", "b"], [1, 0, 0, 0])
    assert differences == [0.5, 0.0]
    nothing = paired.clustered("x", [0.0] * 60)
    assert nothing.high == pytest.approx(1 - 0.025 ** (1 / 60))
    assert paired.clustered_above([0.0] * 60, 0.0) == 1.0
    assert paired.clustered_above([0.2, 0.3, 0.25, 0.28], 0.03) < 0.01


def test_sign_flips_know_a_small_case_by_heart() -> None:
    """Five equal differences: all flips that keep the sum are one in 32."""
    assert paired.flipped([1.0] * 5, resamples=8000) == pytest.approx(1 / 32, abs=0.008)
    assert paired.flipped([1.0, -1.0] * 10, resamples=2000) > 0.4


def test_resampling_questions_gives_the_error_of_the_mean() -> None:
    """The bootstrap's interval has the width that t has, for many questions."""
    x = np.random.default_rng(2).normal(0.2, 1, 400)
    found = paired.resampled("x", x.tolist(), resamples=2000)
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 / 20, rel=0.15)


def test_distance_of_shifted_samples() -> None:
    """Moved by three points, three apart; in another order, nothing apart."""
    assert paired.distance([3, 4, 5], [0, 1, 2]) == 3
    assert paired.distance([5, 4, 3], [3, 4, 5]) == 0


def test_what_could_be_seen_is_seen_as_often_as_said() -> None:
    """At the smallest detectable rate four runs in five fail; slightly above the tolerance few do."""
    rate = paired.detectable(240, 0.0, 0.03, 0.05)
    chance = np.random.default_rng(3)
    fails = [paired.above(Counts(int(k), 0, 240), 0.03) <= 0.05 for k in chance.binomial(240, rate, 800)]
    assert np.mean(fails) == pytest.approx(0.8, abs=0.05)
    assert paired.detectable(10, 0.0, 0.5, 1e-6) == 1.0


def test_net_above_is_one_sided_welch() -> None:
    """At the tolerance itself the p-value is one half; far above it is small; without spread it is certain."""
    effect, control = [0.2, 0.4, 0.3, 0.3], [0.0, 0.1, -0.1, 0.0]
    assert paired.net_above(effect, control, 0.3) == pytest.approx(0.5)
    assert paired.net_above(effect, control, 0.0) < 0.01
    assert paired.net_above([0.0, 0.0], [0.0, 0.0], 0.2) == 1.0
