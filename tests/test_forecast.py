"""A plan adds up, and what cannot be known is not a zero."""

import pytest

from wolfnote import Estimate, Skipped, Verdict, forecast
from wolfnote.forecast import Prices, Span


def test_a_plan_is_not_a_verdict() -> None:
    """A dry run proves nothing about model or data."""
    plan = forecast.plan([forecast.counted("rows", 3)])
    assert (plan.kind, plan.verdict) == ("plan", Verdict.NOT_RUN)
    assert plan.reasons == ("a dry run: nothing was read by a model", "it would contact no host beyond this machine")


def test_spans_add_and_scale_end_by_end() -> None:
    """Guesses that may all be off in the same direction keep their width."""
    both = Span(2, 1, 4).plus(forecast.exactly(1)).times(60)
    assert both == (180, 120, 300)
    assert forecast.minutes(both, 2.0).value == 3
    assert forecast.minutes_of(forecast.plan([forecast.minutes(both, 2.0)])) == (3, 2, 5)
    assert forecast.minutes_of(forecast.plan([])) is None


def test_money_is_tokens_times_price_or_unknown() -> None:
    """A million tokens in at 3 and half a million out at 8 cost 7; no price is no number; a local model is free."""
    cost = forecast.money(1e6, 0.5e6, Prices(3, 8), remote=True)
    assert isinstance(cost, Estimate)
    assert (cost.value, cost.low) == (7, 3)
    assert isinstance(forecast.money(1e6, 1e6, None, remote=True), Skipped)
    free = forecast.money(1e6, 1e6, Prices(3, 8), remote=False)
    assert isinstance(free, Estimate)
    assert free.value == 0


def test_known_and_unknown_are_told_apart() -> None:
    """Each goes to its own list, in order."""
    known, unknown = forecast.told([forecast.counted("rows", 1), Skipped("minutes", "x"), forecast.disk(2e6, "y")])
    assert [e.name for e in known] == ["rows", "disk, MB"]
    assert [s.what for s in unknown] == ["minutes"]
    assert known[1].value == pytest.approx(2)
