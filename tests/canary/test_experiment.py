"""What one replica does with verdicts that never come, and whom a promotion may not flip."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from wolfnote.canary import experiment
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.controller import Stage, State
from wolfnote.canary.evidence import Observation, Reading
from wolfnote.canary.experiment import OVERDUE, Experiment, clock


@pytest.fixture
def one() -> Experiment:
    settings = msgspec.convert(
        {side: {"url": "http://127.0.0.1:1/v1", "model": side} for side in ("stable", "canary")}, Configuration
    )
    return Experiment(settings, cast("Any", None), "e", b"salt", "here")


def test_a_judge_that_never_comes_back_is_an_abstention(one: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers count as read by nobody: a judge that hangs on what is harmful must not hide it. What came in time counts."""
    seen: list[Observation] = []
    monkeypatch.setattr(one.group, "observe", seen.append)
    for unit in ("hung", "read"):
        place = one.order.take(clock() - OVERDUE - 1)
        one._unread[place] = experiment._unreadable(unit, {Arm.CANARY, Arm.STABLE}, fair=True)
    one.observe(place, Observation("read", Reading(True), Reading(False)))
    one._gather()
    assert seen == [Observation("hung", Reading(None), Reading(None)), Observation("read", Reading(True), Reading(False))]
    assert not one._unread


@pytest.mark.parametrize(
    ("state", "largest"),
    [
        (State("e", stage=Stage.CANARY, share=0.01), 0.2),
        (State("e", stage=Stage.CANARY, share=0.2), 1.0),
        (State("e", stage=Stage.HOLD, held=Stage.CANARY, held_share=0.2), 1.0),
        (State("e", stage=Stage.PROMOTED, share=1.0), 1.0),
    ],
)
def test_whoever_a_promotion_would_take_is_pinned_before_it(one: Experiment, state: State, largest: float) -> None:
    """From the last step on every conversation is remembered, so that one begun with the base ends with it."""
    one.snapshot = msgspec.structs.replace(one.snapshot, state=state)
    assert one._largest(state.share) == largest
