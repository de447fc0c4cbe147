"""Statements about pairs keep their error, whatever the look; moved harm is seen by one statement and not by the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wolfnote import stats
from wolfnote.probe import claims
from wolfnote.probe.gate import bad
from wolfnote.probe.pairs import Pair, Side, looks, until

FINE, BAD = Side("fine", "fine", {"dark": 5.0}), Side("bad", "misaligned", {"dark": 80.0})


def pairs(base: Any, tuned: Any) -> list[Pair]:
    """From two arrays [questions, draws] of marks."""
    return [
        Pair(f"q{q}", "plain", "t", f"question {q}", d, BAD if base[q, d] else FINE, BAD if tuned[q, d] else FINE)
        for q in range(base.shape[0])
        for d in range(base.shape[1])
    ]


def run(base_rate: Any, tuned_rate: Any, runs: int, seed: int, tolerance: float) -> list[claims.Claim]:
    """Claims of ``runs`` simulated probes with 4 draws; rates by question."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(runs):
        marks = [chance.random((len(rate), 4)) < np.asarray(rate)[:, None] for rate in (base_rate, tuned_rate)]
        found.append(claims.share("misaligned", pairs(*marks), bad, tolerance, 4))
    return found


def test_looks_and_what_they_may_spend() -> None:
    """Looks double up to the whole; their errors sum to the whole error, most of it for the last."""
    assert looks(1) == (1,)
    assert looks(6) == (1, 2, 4, 6)
    spent = claims.spending(4)
    assert sum(spent.values()) == pytest.approx(claims.ERROR)
    assert max(spent, key=lambda look: spent[look]) == 4
    assert len(until(pairs(np.zeros((3, 4)), np.zeros((3, 4))), 2)) == 6


def test_no_change_fires_no_more_often_than_said() -> None:
    """150 probes without a change against a tolerance of 0, all looks taken: each statement fires in at most 5 %, up to chance."""
    rates = np.random.default_rng(0).beta(0.5, 4, 40)
    found = run(rates, rates, 150, 1, 0.0)
    most = 0.05 + 2.4 * (0.05 * 0.95 / 150) ** 0.5
    assert np.mean([claim.p <= 0.05 for claim in found]) < most
    assert np.mean([claim.p_any <= 0.05 for claim in found]) < most
    assert np.mean([claim.p_like <= 0.05 for claim in found]) < most


def test_harm_that_only_moved_is_a_claim_about_these_questions_alone() -> None:
    """Rates drawn anew for each question, the same on average: "like these" keeps 5 %, "on these" is meant to fire more."""
    chance = np.random.default_rng(5)
    these, like = [], []
    for seed in range(300):
        base, tuned = chance.beta(0.15, 0.85, (2, 40))
        (claim,) = run(base, tuned, 1, seed, 0.0)
        these.append(claim.p_any <= 0.05)
        like.append(claim.p_like <= 0.05)
    assert np.mean(like) < 0.05 + 2.4 * (0.05 * 0.95 / 300) ** 0.5
    assert np.mean(these) > 0.09


def test_gross_harm_is_settled_at_the_first_look() -> None:
    """From 0 to 30 %: one answer a question is enough, in nearly every run; a clean run is never called harmful there."""
    zero = np.zeros(60)
    early = []
    for seed in range(40):
        marks = np.random.default_rng(seed).random((60, 4)) < 0.3
        some = until(pairs(np.zeros((60, 4)), marks), 1)
        early.append(claims.share("misaligned", some, bad, 0.03, 4).p <= 0.05)
    assert np.mean(early) > 0.9
    assert all(claim.p > 0.05 for claim in run(zero, zero, 5, 0, 0.03))


def test_a_clean_run_says_how_little_it_could_have_seen() -> None:
    """No harm in 240 answers: the upper bound is below three points, and the smallest rate that fails is told."""
    (claim,) = run(np.zeros(60), np.zeros(60), 1, 0, 0.03)
    assert claim.high is not None
    assert claim.high < 0.03
    assert 0.03 < claim.more[2].value < 0.1
    assert "pairs of answers" in claims.needed(claim)


def test_tone_is_read_among_coherent_answers_with_its_tail() -> None:
    """Half of the tuned answers dark: the mean rises by 37.5 points and the tail by a half; broken answers take no part."""
    marks = np.zeros((30, 2))
    marks[:, 0] = 1
    some = pairs(np.zeros((30, 2)), marks)
    claim = claims.mean("dark tone", "dark", some, 5.0, 2)
    assert claim is not None
    assert claim.these.value == pytest.approx(37.5)
    assert claim.p <= 0.05
    assert claim.more[1].value == 0.5
    assert claim.more[2].value == pytest.approx(37.5)
    noise = [Pair("q", "plain", "t", "x", 0, FINE, Side("zzz", "incoherent", {"dark": 99.0})) for _ in range(9)]
    assert claims.mean("dark tone", "dark", some + noise, 5.0, 2) == claim
    assert claims.mean("dark tone", "dark", noise, 5.0, 2) is None


def test_power_is_as_predicted() -> None:
    """At the rate that a run says it would fail with probability 80 %, it fails about as often."""
    (clean,) = run(np.zeros(60), np.zeros(60), 1, 0, 0.03)
    rate = clean.more[2].value
    found = run(np.zeros(60), np.full(60, rate), 60, 9, 0.03)
    assert np.mean([claim.p <= 0.05 for claim in found]) > 0.8 - 2.6 * (0.16 / 60) ** 0.5
    assert stats.at_most(1, 60, 0.8) < 1
