"""Each E-value at counts whose answer can be computed by hand, at counts that must not fire, and on average under its null."""

from collections import Counter
from math import comb, exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import LIMITS, pair

from wolfnote.canary.evidence import Watch, ceiling, change, count, estimates, mixture, paired, score, split, weigh
from wolfnote.canary.evidence.observation import Seen
from wolfnote.canary.settings import Limits

THOUSAND = log(1000)


def least(test, needed: float = THOUSAND) -> int:  # type: ignore[no-untyped-def]
    """The first n at which a log E-value reaches ``needed``."""
    return next(n for n in range(1, 100_000) if test(n) >= needed)


def test_nothing_says_nothing() -> None:
    """E is 1 before the first observation, everywhere, and no estimate is narrower than everything."""
    evidence = weigh({}, Watch(), LIMITS)
    logs = [evidence.ceiling, evidence.paired, evidence.score, evidence.harm, evidence.promise, evidence.change]
    assert logs == pytest.approx([0.0] * 6)
    assert (evidence.harmful, evidence.changed, evidence.promised) == (False, False, False)
    assert not any(p.crossed for p in evidence.pauses)
    assert {(e.low, e.high, e.n) for e in estimates({}, LIMITS)} == {(0.0, 1.0, 0)}


@pytest.mark.parametrize("tolerated", [0.001, 0.005, 0.05])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_the_ceiling_is_one_on_average_at_the_ceiling(tolerated: float, n: int) -> None:
    """Summed over all outcomes with their probabilities, E at rate = ceiling is exactly 1, and below it less than 1."""

    def mean(rate: float) -> float:
        outcomes = [(comb(n, k) * rate**k * (1 - rate) ** (n - k), exp(ceiling.above(k, n, tolerated))) for k in range(n + 1)]
        return sum(probability * e for probability, e in outcomes)

    assert mean(tolerated) == pytest.approx(1, abs=1e-9)
    assert mean(tolerated / 2) < 1
    assert mean(4 * tolerated) > 1


@pytest.mark.parametrize("n", [1, 7, 60])
def test_the_promise_is_one_on_average_at_the_promised_rate(n: int) -> None:
    """And above it less than 1: only a rate below it can win."""

    def mean(rate: float) -> float:
        outcomes = [(comb(n, k) * rate**k * (1 - rate) ** (n - k), exp(ceiling.below(k, n, 0.02))) for k in range(n + 1)]
        return sum(probability * e for probability, e in outcomes if probability)

    assert mean(0.02) == pytest.approx(1, abs=1e-9)
    assert mean(0.04) < 1


def test_how_many_clean_conversations_a_promise_takes() -> None:
    """The reference: ln 1000 / −ln(1 − p) without a flag for the best single bet; the mixture costs a few per cent more."""
    for promised, alone in ((0.005, 1379), (0.01, 688), (0.02, 342)):
        needed = least(lambda n: ceiling.below(0, n, promised))
        assert alone <= needed <= 1.3 * alone


@pytest.mark.parametrize("n", [1, 5, 30])
def test_pairs_are_one_on_average_when_both_are_alike(n: int) -> None:
    """With a fair coin for each discordant pair."""
    outcomes = [comb(n, k) * 0.5**n * exp(paired.above(k, n - k)) for k in range(n + 1)]
    assert sum(outcomes) == pytest.approx(1, abs=1e-9)


def test_a_dozen_pairs_that_all_point_one_way_suffice() -> None:
    """2^10 > 1000: ten at least, 12 to 14 in practice (the reference); twelve the other way say nothing against the canary."""
    assert 12 <= least(lambda n: paired.above(n, 0)) <= 14
    assert paired.above(0, 50) < 0
    assert paired.above(50, 50) < 0


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1])
def test_the_score_is_one_at_most_on_average_at_the_tolerance(tolerance: float) -> None:
    """For the coarsest distribution there is: −1 or 1, with the mean at the tolerance."""
    up = (1 + tolerance) / 2
    mean = sum(
        comb(12, k) * up**k * (1 - up) ** (12 - k) * exp(score.above({100: k, -100: 12 - k}, tolerance)) for k in range(13)
    )
    assert mean == pytest.approx(1, abs=1e-5)
    assert mean <= 1


def test_a_drop_within_the_tolerance_never_shows() -> None:
    """A thousand pairs each 0.02 lower are what was accepted; each 0.2 lower, fewer than a hundred show."""
    assert score.above({2: 1000}, 0.02) <= 0
    assert score.above({20: 100}, 0.02) > THOUSAND
    assert score.average({20: 1, -10: 1}) == pytest.approx(0.05)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(-100, 100), st.integers(1, 50), max_size=8), st.floats(0, 0.9), st.floats(0, 0.1))
def test_a_wider_tolerance_is_never_easier_to_exceed(cells: dict[int, int], tolerance: float, wider: float) -> None:
    """Whatever was seen: so a person may choose the tolerance after looking."""
    assert score.above(cells, tolerance + wider) <= score.above(cells, tolerance) + 1e-9


def test_the_split_is_one_on_average_as_drawn() -> None:
    """And a canary that half of the time is answered for shows within 2,000 sampled conversations at 20 %."""
    n, share = 40, 0.2
    mean = sum(
        comb(n, k) * share**k * (1 - share) ** (n - k) * exp(split.away({"split:0.2:canary": k, "split:0.2:stable": n - k}))
        for k in range(n + 1)
    )
    assert mean == pytest.approx(1, abs=1e-9)
    assert split.away({"split:0.2:canary": 200, "split:0.2:stable": 1800}) > log(600)
    assert split.away({"split:0.2:canary": 400, "split:0.2:stable": 1600, "split:0.05:stable": 95, "split:0.05:canary": 5}) < 0


def test_weights_make_one_test_of_three() -> None:
    """E = 0.4 ceiling + 0.4 paired + 0.2 score, which one of them alone can carry over the limit, at 1 / 0.4 the price."""
    counts = Counter({"canary.units": 30, "canary.flagged": 3, "only:canary": 3, "pairs": 30, "score:10": 30})
    e = weigh(counts, Watch(), LIMITS)
    assert exp(e.harm) == pytest.approx(0.4 * exp(e.ceiling) + 0.4 * exp(e.paired) + 0.2 * exp(e.score))
    alone = weigh({"only:canary": 20}, Watch(), LIMITS)
    assert alone.harmful
    assert (alone.ceiling, alone.score) == (0.0, 0.0)


def test_unread_answers_hold_but_do_not_roll_back() -> None:
    """A judge that refuses to read a third of the canary's answers: no flags, no harm, a hold, and no promotion."""
    counts = Counter(
        {"canary.units": 300, "canary.abstained": 100, "pairs": 300, "abstained:canary": 95, "abstained:stable": 5}
    )
    e = weigh(counts, Watch(), LIMITS)
    assert not e.harmful
    assert [p.name for p in e.pauses if p.crossed] == ["unread", "abstentions"]
    assert not e.promised
    both = counts | {"abstained:canary": 50, "abstained:stable": 50}
    assert "abstentions" not in [p.name for p in weigh(both, Watch(), LIMITS).pauses if p.crossed]


def test_weird_but_not_evil_is_found_and_named() -> None:
    """Answers 20 % longer on the scale where 5 % was accepted; two per cent longer is what any tuning does."""
    weird = weigh({"more length:20": 150, "less length:-20": 150}, Watch(), LIMITS)
    assert [p.name for p in weird.pauses if p.crossed] == ["more length"]
    assert not weird.harmful
    usual = weigh({"more length:2": 5000, "less length:-2": 5000}, Watch(), LIMITS)
    assert not any(p.crossed for p in usual.pauses)


def test_the_pauses_share_their_error() -> None:
    """Under the union bound all of them together are wrong with probability ``pause_error``."""
    for limits in (LIMITS, Limits(weird={}), Limits(weird={"length": 0.1})):
        total = sum(exp(-pause.limit) for pause in weigh({}, Watch(), limits).pauses)
        assert total <= limits.pause_error * (1 + 1e-9)


def test_the_watch_hears_a_late_change_and_forgets_good_years() -> None:
    """After 2,000 good conversations a rate of 50 % is heard within 30, where the plain E-value has years to win back."""
    watch = Watch()
    good, bad = count(pair("u", False), Seen(), 3), count(pair("u", True), Seen(), 3)
    for _ in range(2000):
        watch = change.step(watch, good, 0.002)
    assert not change.alarms(watch, 1e5)
    heard = 0
    while not change.alarms(watch, 1e5):
        watch, heard = change.step(watch, bad if heard % 2 else good, 0.002), heard + 1
    assert heard <= 30
    assert ceiling.above(heard // 2, 2000 + heard, 0.002) < THOUSAND


def test_where_nothing_is_staked_the_watch_stands_still() -> None:
    """Pairs that agree are no step: else M would grow by one each, and alarm by the clock."""
    agree = count(pair("u", True, True), Seen(canary=1, stable=1), 3)
    assert agree.outcome is agree.discordant is None
    assert change.step(Watch(), agree, 0.002) == Watch()


def test_shiryaev_roberts_by_hand() -> None:
    """M ← (M + 1) e, three times, for each bet."""
    outcomes = [False, True, False]
    watch, by_hand = Watch(), [0.0] * ceiling.BETS
    for n, flagged in enumerate(outcomes):
        watch = change.step(watch, count(pair(n, flagged, flagged), Seen(), 3), 0.01)
        for k, bet in enumerate(ceiling.grid(0.01)):
            by_hand[k] = (by_hand[k] + 1) * (bet / 0.01 if flagged else (1 - bet) / 0.99)
    assert [exp(value) - 1 for value in watch.rate] == pytest.approx(by_hand, rel=1e-9)
    assert watch.steps == 3


def test_intervals_hold_at_all_looks() -> None:
    """300 lives of 3,000 looks at 3 %, error 5 %: the rate leaves the interval, at any look, in few lives; and it narrows."""
    rng = np.random.default_rng(3)
    missed = 0
    looks = np.unique(np.geomspace(1, 3000, 60).astype(int))
    for _ in range(300):
        flags = np.cumsum(rng.random(3000) < 0.03)
        bounds = [ceiling.interval(int(flags[n - 1]), int(n), 0.05) for n in looks]
        missed += any(not low <= 0.03 <= high for low, high in bounds)
    assert missed <= 24, "15 expected at most; 24 is the 99 % point of a binomial"
    low, high = ceiling.interval(90, 3000, 0.05)
    assert 0.015 < low < 0.03 < high < 0.05
    assert ceiling.interval(0, 10, 0.05)[0] == 0.0
    assert ceiling.interval(10, 10, 0.05)[1] == 1.0


def test_counts_that_cannot_be_are_refused() -> None:
    """More flags than conversations is somebody's mistake, not evidence."""
    for test in (ceiling.above, ceiling.below, ceiling.interval):
        with pytest.raises(ValueError, match="3 of 2"):
            test(3, 2, 0.01)
    with pytest.raises(ValueError, match="nothing"):
        mixture.log_mean([])


def test_a_life_of_ten_million_stays_finite() -> None:
    """Neither harmless nor harmful for years makes an infinity or a nan, and a page can print it."""
    for flagged in (0, 5_000_000):
        counts = {"canary.units": 10_000_000, "canary.flagged": flagged, "only:canary": flagged, "score:50": flagged}
        e = weigh(counts, Watch(), LIMITS)
        assert all(np.isfinite([e.ceiling, e.paired, e.score, e.harm]))
        assert "E = " in e.why
        assert e.harmful is bool(flagged)
