"""Agreement: the textbooks' numbers, intervals that cover, nothing found where raters guess."""

import numpy as np
import pytest

from wolfnote.judges import agreement


def test_cohens_kappa_of_a_known_table() -> None:
    """20 both yes, 15 both no, 5 and 10 apart: p = .70, e = .50, kappa = .40."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = agreement.cohen(first, second)
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert found.n == 50
    assert found.low is not None
    assert found.high is not None
    assert 0.1 < found.low < 0.4 < found.high < 0.7


def test_fleiss_kappa_of_a_known_table() -> None:
    """Ten subjects, fourteen raters, five categories (Fleiss 1971, as reworked in textbooks): kappa = .210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    ratings = [[value for value, count in enumerate(row) for _ in range(count)] for row in table]
    found = agreement.fleiss(ratings)
    assert found is not None
    assert found.value == pytest.approx(0.210, abs=0.0005)


def test_krippendorffs_alpha_of_a_known_table() -> None:
    """Four observers, twelve units, missing values (Krippendorff 2011, nominal): alpha = .743."""
    _ = None
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
    found = agreement.krippendorff([list(unit) for unit in zip(*observers, strict=True)])
    assert found is not None
    assert found.value == pytest.approx(0.743, abs=0.0005)
    assert found.n == 11  # the last unit has one rating: nothing to agree with


def test_raters_who_guess_agree_on_nothing() -> None:
    """Must not fire: independent raters give about 0, and the interval holds it."""
    rng = np.random.default_rng(1)
    a, b = (rng.random(600) < 0.2 for _ in range(2))
    pairs = [[bool(x), bool(y)] for x, y in zip(a, b, strict=True)]
    for found in (agreement.cohen(list(a), list(b)), agreement.fleiss(pairs), agreement.krippendorff(pairs)):
        assert found is not None
        assert abs(found.value) < 0.1
        assert found.low is not None
        assert found.high is not None
        assert found.low < 0 < found.high


def test_the_interval_covers_the_true_kappa() -> None:
    """Each rater sees a row's truth with sensitivity .9 and specificity .95: in at least 90 of 100 worlds the interval holds it."""
    rng = np.random.default_rng(2)
    share, sensitivity, specificity = 0.2, 0.9, 0.95
    yes = share * sensitivity + (1 - share) * (1 - specificity)
    both = share * sensitivity**2 + (1 - share) * (1 - specificity) ** 2
    agree = both + (1 - 2 * yes + both)
    chance = yes**2 + (1 - yes) ** 2
    true = (agree - chance) / (1 - chance)
    held = 0
    for _ in range(100):
        truth = rng.random(300) < share
        a, b = (np.where(truth, rng.random(300) < sensitivity, rng.random(300) < 1 - specificity) for _ in range(2))
        found = agreement.cohen(a.tolist(), b.tolist())
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert held >= 90


def test_perfect_agreement_is_not_certainty() -> None:
    """Forty rows without a difference leave room below 1; more rows leave less."""
    few = agreement.cohen([True, False] * 20, [True, False] * 20)
    many = agreement.cohen([True, False] * 200, [True, False] * 200)
    assert few is not None
    assert many is not None
    assert few.value == many.value == 1.0
    assert few.low is not None
    assert many.low is not None
    assert 0.5 < few.low < many.low < 1.0


def test_one_answer_only_is_no_agreement() -> None:
    """All clean, nobody, or one rater a row: undefined, not 1."""
    assert agreement.cohen([False] * 9, [False] * 9) is None
    assert agreement.fleiss([[False, False]] * 9) is None
    assert agreement.krippendorff([[False, False]] * 9) is None
    assert agreement.krippendorff([[True, None], [None, False]]) is None
    assert agreement.fleiss([[True], [False]]) is None
    assert agreement.krippendorff([]) is None
    assert agreement.cohen([], []) is None


def test_one_flag_in_many_rows_gives_no_interval() -> None:
    """Where a third of the resamples hold no variation, a percentile of the rest would be a fiction."""
    found = agreement.krippendorff([[True, False], *[[False, False]] * 99])
    assert found is not None
    assert found.low is None
    assert found.high is None


def test_unlike_lengths_are_a_mistake() -> None:
    """Two raters of different rows cannot be compared."""
    with pytest.raises(ValueError, match="2 ratings against 1"):
        agreement.cohen([1, 2], [1])
