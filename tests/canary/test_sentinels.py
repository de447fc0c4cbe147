"""Every question once a round, spread over it, whatever the clock and however many replicas ask."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wolfnote.canary.sentinels import due

QUESTIONS = ("one", "two", "three", "four")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 900), min_size=1, max_size=60), st.integers(1, 4))
def test_a_day_of_ticks_asks_each_once_a_round(gaps: list[float], n: int) -> None:
    """Whenever somebody looks (at least every quarter of an hour), no unit twice, and none left out."""
    now, asked = 1e9, []
    for gap in gaps:
        asked += due(QUESTIONS[:n], now, now + gap)
        now += gap
    assert len({sentinel.unit for sentinel in asked}) == len(asked)
    assert abs(len(asked) - n * (now - 1e9) / 3600) <= 1


def test_two_leaders_ask_the_same_units() -> None:
    """So that the store counts them once."""
    assert due(QUESTIONS, 1e9, 1e9 + 7000) == due(QUESTIONS, 1e9 + 100, 1e9 + 7000)


def test_after_a_long_silence_each_is_asked_once() -> None:
    """A night without a leader, or a clock that jumped ahead, is no flood; one that went back is silence."""
    assert sorted(sentinel.question for sentinel in due(QUESTIONS, 0.0, 1e9)) == sorted(QUESTIONS)
    assert due(QUESTIONS, 1e9, 0.0) == due((), 0.0, 1e9) == []
