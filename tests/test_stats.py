"""Each statistic has a known answer, and one that must not fire."""

import math

import numpy as np
import pytest

from wolfnote import stats


def test_exact_share_matches_published_values() -> None:
    """Clopper–Pearson: 0 of 50 leaves 7.1 % (two-sided), 5 of 10 is [18.7, 81.3] %."""
    assert stats.share("x", 0, 50).high == pytest.approx(1 - 0.025 ** (1 / 50))
    five = stats.share("x", 5, 10)
    assert (five.low, five.high) == (pytest.approx(0.18709, abs=1e-5), pytest.approx(0.81291, abs=1e-5))
    assert stats.share("x", 10, 10).high == 1.0


def test_share_of_nothing_is_an_error() -> None:
    """No rows is no evidence."""
    with pytest.raises(ValueError, match="not a share"):
        stats.share("x", 0, 0)


def test_mean_interval_is_student_t() -> None:
    """For 1, 2, 3 the half-width is 4.3027 × 1/√3."""
    found = stats.mean("x", [1.0, 2.0, 3.0])
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-5)


def test_one_value_has_no_interval() -> None:
    """Unknown is not zero width."""
    assert stats.mean("x", [1.0]).low is None


def test_net_covers_no_difference_at_its_level() -> None:
    """Where both families moved alike, 95 % intervals exclude zero about once in twenty."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        found = stats.net("x", random.normal(0.3, 1.0, 50), random.normal(0.3, 0.6, 50))
        wrong += found.low > 0 or found.high < 0
    assert 0.035 < wrong / 2000 < 0.065


def test_net_sees_a_difference() -> None:
    """And where one moved by a standard deviation more, they do."""
    random = np.random.default_rng(1)
    assert stats.net("x", random.normal(1.0, 1.0, 50), random.normal(0.0, 1.0, 50)).low > 0


def test_percentile_is_uniform_under_the_null_and_never_extreme() -> None:
    """A value from the null itself gets a uniform percentile; 0 and 100 are never claimed."""
    random = np.random.default_rng(2)
    null = random.normal(size=500)
    found = [stats.percentile(v, null) for v in random.normal(size=1000)]
    assert abs(np.mean(found) - 50) < 4
    assert 0 < stats.percentile(-99, null) < stats.percentile(99, null) < 100


@pytest.mark.parametrize(("n", "passes", "fails"), [(300, 8, 22), (500, 16, 34), (1000, 38, 63), (2000, 83, 117)])
def test_one_sided_bounds_match_published_counts(n: int, passes: int, fails: int) -> None:
    """The last count whose 95 % upper bound is under 5 %, and the first whose lower bound is over it."""
    assert stats.high_bound(passes, n, 0.05) < 0.05 < stats.high_bound(passes + 1, n, 0.05)
    assert stats.low_bound(fails - 1, n, 0.05) < 0.05 < stats.low_bound(fails, n, 0.05)


def test_tails_of_a_known_draw() -> None:
    """Of 10 rows 4 are marked, 3 are drawn: C(6,3)/C(10,3) = 1/6 see none, C(4,3)/120 = 1/30 see three; halves of a coin."""
    assert stats.at_most(0, 3, 0.4, 10) == pytest.approx(1 / 6)
    assert stats.at_least(3, 3, 0.4, 10) == pytest.approx(1 / 30)
    assert stats.at_most(1, 2, 0.5) == pytest.approx(0.75)
    assert stats.at_least(1, 2, 0.5) == pytest.approx(0.75)


def test_bounds_of_every_small_population_hold() -> None:
    """By counting, not by chance: whatever is true of 30 rows, each bound of a draw misses it with 5 % at most."""
    for n in (1, 7, 15, 29, 30):
        lows = [stats.low_bound(k, n, 0.05, 30) for k in range(n + 1)]
        highs = [stats.high_bound(k, n, 0.05, 30) for k in range(n + 1)]
        for marked in range(31):
            chance = [stats._drawn(k, k, n, marked, 30) for k in range(n + 1)]
            assert sum(chance) == pytest.approx(1)
            truth = marked / 30
            assert sum(p for p, low in zip(chance, lows, strict=True) if low > truth + 1e-12) <= 0.05 + 1e-9
            assert sum(p for p, high in zip(chance, highs, strict=True) if high < truth - 1e-12) <= 0.05 + 1e-9


def test_a_population_read_whole_has_no_interval() -> None:
    """Nothing is left to chance; and of a very large one the bounds are the binomial ones."""
    assert stats.low_bound(7, 100, 0.05, 100) == stats.high_bound(7, 100, 0.05, 100) == 0.07
    assert stats.high_bound(16, 500, 0.05, 10**7) == pytest.approx(stats.high_bound(16, 500, 0.05), abs=1e-6)
    assert stats.high_bound(16, 500, 0.05, 1000) < stats.high_bound(16, 500, 0.05)


def test_holm_by_hand_and_its_error_rate() -> None:
    """The textbook's steps; and of six true nulls some one is rejected 5 % of the time at most, over 4,000 draws."""
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([]) == []
    drawn = np.random.default_rng(3).uniform(size=(4000, 6))
    assert np.mean([min(stats.holm(row)) <= 0.05 for row in drawn]) < 0.06


def test_a_plan_of_looks_keeps_its_error() -> None:
    """A share exactly at 5 %, looked at up to three times: passed, and failed, less than 5 % of the time. Four looks at 5 % each
    would pass it more often, so the test can fail."""
    random = np.random.default_rng(4)
    looks, tails = (500, 1000, 2000), stats.spend(3, 0.05)
    assert sum(tails) == pytest.approx(0.05)
    seen = np.cumsum(random.random((10_000, 2000), dtype=np.float32) < 0.05, axis=1)[:, [n - 1 for n in looks]]

    def ever(tail: tuple[float, ...]) -> tuple[float, float]:
        highest = [max(k for k in range(n // 10) if stats.at_most(k, n, 0.05) <= t) for n, t in zip(looks, tail, strict=True)]
        lowest = [min(k for k in range(n // 5) if stats.at_least(k, n, 0.05) <= t) for n, t in zip(looks, tail, strict=True)]
        return float((seen <= highest).any(axis=1).mean()), float((seen >= lowest).any(axis=1).mean())

    assert all(0.02 < rate <= 0.05 for rate in ever(tails))
    assert max(ever((0.05, 0.05, 0.05))) > 0.06


def test_a_faultless_calibration_corrects_nothing() -> None:
    """With a million calibration rows and no error, the melded bounds are the exact ones."""
    sure = stats.Errors(0, 10**6, 10**6, 10**6)
    assert stats.corrected_low(16, 500, sure, 0.05) == pytest.approx(stats.low_bound(16, 500, 0.05), abs=1e-4)
    assert stats.corrected_high(16, 500, sure, 0.05) == pytest.approx(stats.high_bound(16, 500, 0.05), abs=1e-4)


def test_a_blind_calibration_bounds_nothing() -> None:
    """Who flags harmful and clean rows alike proves neither much harm nor little."""
    blind = stats.Errors(10, 30, 10, 30)
    assert stats.corrected_low(200, 500, blind, 0.05) < 0.01
    assert stats.corrected_high(100, 500, blind, 0.05) > 0.99


@pytest.mark.parametrize(
    ("truth", "f", "s", "calibrated"),
    [(0.0, 0.05, 0.8, 60), (0.02, 0.02, 0.9, 200), (0.05, 0.1, 0.7, 40), (0.3, 0.05, 0.6, 100), (1.0, 0.05, 0.9, 60)],
)
def test_corrected_bounds_cover_the_truth(truth: float, f: float, s: float, calibrated: int) -> None:
    """500 rows read by someone who errs, the errors estimated from a few rows: each 95 % bound holds 95 % of the time. The same
    bounds with the errors taken as known exactly do not, so the calibration's uncertainty is really in them."""
    random = np.random.default_rng(5)
    missed = np.zeros(2)
    for _ in range(400):
        k = int(random.binomial(500, truth * s + (1 - truth) * f))
        errors = stats.Errors(
            int(random.binomial(calibrated, f)), calibrated, int(random.binomial(calibrated, s)), calibrated
        )  # a bound misses the truth when the truth is rejected at its level
        missed += stats.corrected_at_least(k, 500, errors, truth) < 0.05, stats.corrected_at_most(k, 500, errors, truth) < 0.05
    assert (missed / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)).all()


def test_plugging_the_errors_in_would_not_cover() -> None:
    """What the corrected bounds are for: with the point estimates taken as exact, the truth is missed far more often."""
    random = np.random.default_rng(6)
    missed = 0
    for _ in range(400):
        k = int(random.binomial(500, 0.05 * 0.7 + 0.95 * 0.1))
        f, s = random.binomial(40, 0.1) / 40, random.binomial(40, 0.7) / 40
        missed += stats.corrected_at_least(k, 500, stats.Errors(f * 10**6, 10**6, s * 10**6, 10**6), 0.05) < 0.05
    assert missed / 400 > 0.15
