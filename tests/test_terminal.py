"""Progress in a log: few lines, with the time left, and none of them on stdout."""

import pytest

from wolfnote.events import Event
from wolfnote.results import Estimate, Skipped
from wolfnote.terminal import Lines, tell_plan


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_a_step_and_then_one_every_ten_seconds() -> None:
    """A thousand events over a hundred seconds are ten lines, the time left in each."""
    said: list[str] = []
    clock = Clock()
    lines = Lines(said.append, clock)
    for i in range(1001):
        clock.now = 100 + i / 10
        lines(Event("margins", i, 1000))
    assert len(said) == 11
    assert said[0] == "     0 s  margins"
    assert said[5] == "    50 s  margins: 500 of 1000, about 50 s left"


def test_a_step_that_comes_back_does_not_begin_again() -> None:
    """Two steps in turn, as two models scored side by side, do not fill the log."""
    said: list[str] = []
    clock = Clock()
    lines = Lines(said.append, clock)
    for i in range(90):
        clock.now = 100 + i / 10
        lines(Event("a" if i % 2 else "b", i, 90))
    assert said == ["     0 s  b", "     0 s  a"]


def test_an_unknown_total_has_no_time_left() -> None:
    """Nothing is promised about a step whose length is not known."""
    said: list[str] = []
    clock = Clock()
    lines = Lines(said.append, clock)
    lines(Event("open", 0, 0))
    clock.now += 30
    lines(Event("open", 0, 0))
    lines(Event("tune", 0, 0))
    clock.now += 600
    lines(Event("tune", 1, 10))
    assert said[1:] == ["    30 s  tune", "   630 s  tune: 1 of 10, about 90 min left"]


def test_a_plan_says_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    """Minutes that cannot be told are a line of their own, not a zero; with --json stdout holds the Result alone."""
    import json

    from wolfnote import forecast

    plan = forecast.plan(
        [forecast.counted("rows", 1200), Estimate("money", 1.25, 1.0, 1.25, 1, "tokens × price")],
        hosts=["b.example", "a.example", "b.example"],
        unknown=[Skipped("minutes", "a server is not timed")],
    )
    tell_plan(plan, as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["kind"] == "plan"
    assert "it would contact a.example, b.example" in err
    assert "1,200" in err
    assert "1.25 [1, 1.25]" in err
    assert "minutes  not known: a server is not timed" in err


def test_events_pass_between_processes_and_nothing_passes_for_one() -> None:
    """A line that is an event is read back as it was; what a hostile file makes Wolfnote say is none."""
    from wolfnote import events

    event = events.Event("audit: ümlaut\n\x1e", 3, 0)
    line = events.line(event)
    assert line.count("\n") == 1
    assert events.heard(line) == event
    assert events.heard("wolfnote: \x1e[1, 2, 3]") is None
