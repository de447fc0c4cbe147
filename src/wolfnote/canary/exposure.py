"""What share of conversations a replica may give to the canary right now. Whatever it does not know for sure is 0.

Times are of one clock that never jumps and that counts a suspended machine's sleep (``CLOCK_BOOTTIME`` where there is one).
"""

from __future__ import annotations

from typing import NamedTuple

from wolfnote.canary.controller import State
from wolfnote.canary.settings import Course


class Health(NamedTuple):
    """What a replica knows of itself and of its judges."""

    read_at: float | None
    """When the last successful read of the state was sent off; None: never."""
    waiting: int = 0
    """Answers that wait for a judge."""
    oldest: float | None = None
    """When the oldest of them was chosen (``evidence.Order.oldest``)."""
    unjudged: int = 0
    """Canary answers served since the last verdict."""
    writing: bool = True
    """Whether the store takes what is observed."""


class Exposure(NamedTuple):
    """The share, and in one or two words why it is 0 (empty: it is as decided)."""

    share: float
    why: str


def expose(state: State, health: Health, now: float, course: Course) -> Exposure:
    """The share that holds at ``now``: the decided one, or 0 for the first reason there is."""
    if state.share <= 0:
        return Exposure(0.0, str(state.stage))
    if health.read_at is None or not 0 <= now - health.read_at < course.lease:
        return Exposure(0.0, "no lease")
    if not health.writing:
        return Exposure(0.0, "store does not write")
    if health.waiting >= course.queue:
        return Exposure(0.0, "judge queue full")
    if health.oldest is not None and now - health.oldest > course.stale:
        return Exposure(0.0, "judge stale")
    if health.unjudged >= course.unjudged:
        return Exposure(0.0, "no evidence")
    return Exposure(state.share, "")
