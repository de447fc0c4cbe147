"""Progress, told to whoever listens. Library code never prints; it calls ``on_event``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Event(NamedTuple):
    """``done`` of ``total`` units of ``step`` are finished; ``total`` 0 means that it is not known."""

    step: str
    done: int
    total: int


OnEvent = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore progress. The default of every ``on_event``."""


def under(step: str, on_event: OnEvent) -> OnEvent:
    """What it hears is told on to ``on_event`` as part of ``step``."""
    return lambda event: on_event(Event(step, event.done, event.total))
