"""One conversation is one observation, whoever counts it, however often it is sent; sums merge in any order."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import LIMITS, OBSERVATIONS, batch, batches, pair

from wolfnote.canary.controller import State
from wolfnote.canary.evidence import Counts, Observation, Order, Reading, Seen, Watch, count, weigh
from wolfnote.canary.evidence.observation import hundredths
from wolfnote.canary.folding import Snapshot, fold, units
from wolfnote.canary.log import Batch

EMPTY = Snapshot(State("x"), LIMITS)


def counted(all_: list[Batch]) -> Counts:
    """Fold batches one after the other, as a store does."""
    total, known = Counts(), {}
    for one in all_:
        folded = fold(one, EMPTY, {unit: known[unit] for unit in units(one) if unit in known})
        total.update(folded.add)
        known.update(folded.seen)
    return total


@settings(max_examples=40, deadline=None)
@given(st.lists(OBSERVATIONS, max_size=12), st.integers(0, 12))
def test_batching_makes_no_difference(observations: list[Observation], cut: int) -> None:
    """The same observations in one batch, in two, or each alone add up to the same."""
    alone = [batch(n, o) for n, o in enumerate(observations)]
    assert counted([batch(1, *observations)]) == counted(alone)
    assert counted([batch(1, *observations[:cut]), batch(2, *observations[cut:])]) == counted(alone)


@settings(max_examples=40, deadline=None)
@given(st.lists(OBSERVATIONS, max_size=12))
def test_no_more_is_flagged_than_was_observed(observations: list[Observation]) -> None:
    """Of each arm: flagged and unread conversations are conversations, however the turns came."""
    total = counted([batch(1, *observations)])
    for arm in ("canary", "stable"):
        assert total[f"{arm}.flagged"] <= total[f"{arm}.units"]
        assert total[f"{arm}.abstained"] <= total[f"{arm}.units"]
    assert total["only:canary"] + total["only:stable"] <= total["judged pairs"] <= total["pairs"]


@settings(max_examples=40, deadline=None)
@given(batches("a"), batches("b"), batches("c"))
def test_merging_replicas_commutes(a: list[Batch], b: list[Batch], c: list[Batch]) -> None:
    """Three replicas that met different conversations: their counts add up in any order, and so the E-value is one number."""
    x, y, z = counted(a), counted(b), counted(c)
    one, other = x + y + z, z + (y + x)
    assert one == other
    assert weigh(one, Watch(), LIMITS) == weigh(other, Watch(), LIMITS)


def test_a_conversation_counts_once() -> None:
    """Sent three times it is one unit and one pair; flagged at its second turn it is a flagged one."""
    clean, bad = Observation("u", Reading(False), Reading(False)), Observation("u", Reading(True), Reading(False))
    total = counted([batch(1, clean, bad, bad)])
    assert total["canary.units"] == total["stable.units"] == total["pairs"] == total["canary.flagged"] == 1
    assert total["only:canary"] == 0, "only the first pair is a pair: later turns read what the canary wrote"


def test_turns_beyond_the_first_few_do_not_count() -> None:
    """A long conversation has no more chances to be flagged than a short one."""
    late = [Observation("u", Reading(False))] * LIMITS.turns + [Observation("u", Reading(True))]
    assert counted([batch(1, *late)])["canary.flagged"] == 0


def test_an_abstention_is_neither_good_nor_bad() -> None:
    """It is counted as what it is: no flag, no judged pair, and one-sided where the other answer could be read."""
    total = counted([batch(1, pair("u", None, False), pair("v", None, None))])
    assert total["canary.abstained"] == 2
    assert total["abstained:canary"] == 1
    assert total["canary.flagged"] == total["judged pairs"] == 0


def test_sentinels_make_pairs_and_nothing_else() -> None:
    """Provocative questions are flagged more often than traffic: no ceiling is tested on them, and no promotion."""
    total = counted([batch(1, Observation("s", Reading(True), Reading(False), source="sentinel"))])
    assert total["only:canary"] == 1
    assert total["canary.units"] == 0


def test_who_answered_counts_once_a_conversation() -> None:
    """A client that sends one question all day is one conversation, not a crowd that is all on one arm."""
    from wolfnote.canary.evidence import Answered

    same = Batch("r", 1, (), (Answered("u", 0.05, "canary"),) * 5)  # type: ignore[arg-type]
    assert counted([same]) == Counter({"split:0.05:canary": 1})


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_differences_are_rounded_down(a: float, b: float) -> None:
    """So that whoever claims a drop never wins by rounding."""
    assert hundredths(a - b) / 100 <= a - b + 1e-9
    assert a - b - hundredths(a - b) / 100 < 0.01 + 1e-9


def test_exact_hundredths_stay_what_they_are() -> None:
    """29 hundredths are not 28, as binary fractions would have it."""
    assert [hundredths(n / 100) for n in range(-100, 101)] == list(range(-100, 101))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.01, 1.01])
def test_a_number_outside_its_range_is_no_reading(value: float) -> None:
    """A judge that returns nonsense is stopped at the door, also when it comes out of a log."""
    with pytest.raises(ValueError, match="0 to 1"):
        Reading(False, value)
    with pytest.raises(ValueError, match="0 to 1"):
        Reading(False, None, {"length": value})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"flag": false, "score": 7.0}', type=Reading)


def test_slow_verdicts_weigh_as_much_as_fast_ones() -> None:
    """Handed out in the order of choosing; one that never comes holds up the rest until it is given up as an abstention."""
    order: Order[str] = Order()
    first, second, third = (order.take(now) for now in (1.0, 2.0, 3.0))
    order.fill(second, "b")
    assert (order.ready(), order.oldest, len(order)) == ([], 1.0, 3)
    assert order.overdue(2.5) == [first]
    order.fill(first, "given up")
    order.fill(first, "too late")
    assert order.ready() == ["given up", "b"]
    order.fill(first, "far too late")
    order.fill(third, "c")
    assert (order.ready(), order.oldest) == (["c"], None)


def test_seen_is_small() -> None:
    """It is written for every conversation: six values without names."""
    assert len(msgspec.json.encode(Seen())) < 40


def test_count_is_pure() -> None:
    """The same observation of the same unit counts the same."""
    one = pair("u", True)
    assert count(one, Seen(), 3) == count(one, Seen(), 3)
