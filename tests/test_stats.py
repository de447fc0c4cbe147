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
