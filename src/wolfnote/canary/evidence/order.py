"""Verdicts in the order in which answers were chosen, not in which judges finish.

A judge that is slow on harmful text, or slow on harmless text, would otherwise choose what is looked at first, and no test is
valid for that. What has no verdict by its deadline counts as an abstention.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Order(Generic[T]):
    """A queue of places: taken in order, filled in any, given out in order. One process, no locks."""

    def __init__(self) -> None:
        self._places: deque[tuple[int, float]] = deque()
        """Number and when it was taken, oldest first."""
        self._filled: dict[int, T] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def oldest(self) -> float | None:
        """When the oldest that was not given out was taken."""
        return self._places[0][1] if self._places else None

    def take(self, now: float) -> int:
        """A place for an answer that was just chosen to be judged."""
        self._next += 1
        self._places.append((self._next, now))
        return self._next

    def fill(self, number: int, item: T) -> None:
        """Its verdict. A place that was given up or filled before is left alone: the first word counts."""
        if self._places and number >= self._places[0][0]:
            self._filled.setdefault(number, item)

    def overdue(self, before: float) -> list[int]:
        """Places taken before then and not filled: fill them with an abstention."""
        return [number for number, taken in self._places if taken < before and number not in self._filled]

    def ready(self) -> list[T]:
        """All that may be counted now, in order; it is gone from here."""
        found = []
        while self._places and self._places[0][0] in self._filled:
            found.append(self._filled.pop(self._places.popleft()[0]))
        return found
