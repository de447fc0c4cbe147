"""Progress, told to whoever listens. Library code never prints; it calls ``on_event``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

VARIABLE = "WOLFNOTE_EVENTS"
"""Set in the environment of a process whose events another one shows."""
_MARK = "\x1e"


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


def line(event: Event) -> str:
    """An event as a line for the process above; no other line that Wolfnote writes begins with its mark."""
    return f"{_MARK}{json.dumps(event)}\n"


def heard(text: str) -> Event | None:
    """The event that a process below wrote as this line, or None for any other line."""
    if not text.startswith(_MARK):
        return None
    step, done, total = json.loads(text[1:])
    return Event(str(step), int(done), int(total))
