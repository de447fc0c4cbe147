"""Many at once, each once; an error ends new work, a listener who leaves ends it too."""

import threading
import time

import pytest

from wolfnote.models.remote.pool import spread


def test_every_item_once_with_its_index() -> None:
    """Whatever finishes first comes first; the index says which it was."""

    last = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            last.wait(10)
        if item == 19:
            last.set()
        return item * 10

    found = list(spread(work, range(20), 4, threading.Event()))
    assert sorted(found) == [(i, i * 10) for i in range(20)]
    assert found[0] != (0, 0)


def test_an_error_ends_new_work_and_hands_out_what_was_in_flight() -> None:
    """The item that ran beside the failing one still arrives; those behind them are not begun."""
    begun: list[int] = []
    both = threading.Barrier(2)

    def work(item: int) -> int:
        begun.append(item)
        both.wait(10)
        if item == 0:
            raise ValueError("no")
        time.sleep(0.05)
        return item

    found = []
    with pytest.raises(ValueError, match="no"):
        for pair in spread(work, range(50), 2, threading.Event()):
            found.append(pair)
    assert found == [(1, 1)]
    assert sorted(begun) == [0, 1]


def test_closing_ends_the_work() -> None:
    """A listener who leaves stops what has not begun."""
    stopped = threading.Event()
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.01)
        return item

    results = spread(work, range(100), 2, stopped)
    next(results)
    results.close()
    time.sleep(0.05)
    assert stopped.is_set()
    assert len(begun) < 10


def test_nothing_asked_is_nothing_found() -> None:
    """No items: no threads, no wait."""
    assert list(spread(str, [], 4, threading.Event())) == []
