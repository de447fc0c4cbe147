"""Judges that no gateway should have, as ``module:function``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from wolfnote.results import Score


class Judge:
    """A judge whose work is a function of what it is asked."""

    name = "hostile"

    def __init__(self, work: Any) -> None:
        self.work = work

    def score(self, asked: Sequence[Any]) -> list[Score]:
        return self.work(asked)


def hanging() -> Judge:
    return Judge(lambda asked: time.sleep(3600))


def dying() -> Judge:
    return Judge(lambda asked: os._exit(9))


def short() -> Judge:
    return Judge(lambda asked: [])


def raising() -> Judge:
    def work(asked: Sequence[Any]) -> list[Score]:
        raise RuntimeError("no")

    return Judge(work)


def chatty() -> Judge:
    def work(asked: Sequence[Any]) -> list[Score]:
        sys.stdout.write("I am a judge" + "\n" * 50)
        return [Score("harm", 0.0, "", "chatty") for _ in asked]

    return Judge(work)
