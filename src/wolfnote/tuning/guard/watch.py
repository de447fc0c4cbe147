"""What a guard has read so far: the start, the looks since, and what the test says of them. Needs no torch."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from wolfnote.errors import RunError
from wolfnote.tuning.guard.warning import Floats, Look, Seen, Test

MOST_LOOKS = 100


class Kept(msgspec.Struct):
    """A watch as a checkpoint holds it; arrays as base64 of float32."""

    start: list[str] = []
    seen: list[tuple[int, int, str]] = []


class Watch:
    """Looks at every ``every``-th step; of a long run at fewer, a hundred in all. ``begin`` comes first."""

    def __init__(self, vector: Floats, every: int, error: float, seed: int = 0) -> None:
        self.vector, self.every, self.error, self.seed = vector, every, error, seed
        self.start: Floats = np.zeros((0, len(vector)), np.float32)
        self.seen: list[Seen] = []
        self.looks: list[Look] = []
        self.planned = 1
        self._test: Test | None = None

    def begin(self, start: Floats, steps: int) -> None:
        """Take the start's answers [answers, width], and how many optimiser steps the run has in all."""
        self.start = start
        self.every = max(self.every, math.ceil(steps / MOST_LOOKS))
        self.planned = max(1, steps // self.every)
        self.seen, self.looks = [], []
        self._test = Test(self.vector, start, self.planned, self.error, self.seed)

    def due(self, step: int) -> bool:
        """Whether the answers of this step are read."""
        return step % self.every == 0

    def add(self, seen: Seen) -> Look:
        """Take what was read at a step."""
        if self._test is None:
            raise RunError("a watch that has not begun")
        self.seen.append(seen)
        self.looks.append(self._test.look(seen))
        return self.looks[-1]

    def kept(self) -> Kept:
        """What ``restore`` needs."""
        return Kept([_text(row) for row in self.start], [(s.step, s.n, _text(s.mean)) for s in self.seen])

    def restore(self, kept: Kept, steps: int) -> None:
        """Begin where the watch was that was kept."""
        self.begin(np.stack([_floats(text) for text in kept.start]), steps)
        for step, n, mean in kept.seen:
            self.add(Seen(step, n, _floats(mean)))

    def rows(self) -> list[dict[str, Any]]:
        """All that the verdict follows from, as rows of a table."""
        test = {"kind": "test", "planned": self.planned, "error": self.error, "seed": self.seed, "values": plain(self.vector)}
        first = [{"kind": "start", "values": plain(row)} for row in self.start]
        return [test, *first, *({"kind": "look", "step": s.step, "n": s.n, "values": plain(s.mean)} for s in self.seen)]


def plain(row: Floats) -> list[float]:
    """The shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in row.astype(np.float32)]


def looks(rows: Sequence[dict[str, Any]]) -> list[Look]:
    """The looks, anew, from ``Watch.rows``."""
    found = [r for r in rows if r["kind"] == "look"]
    if not found:
        return []
    start = np.asarray([r["values"] for r in rows if r["kind"] == "start"], np.float32)
    about = next(r for r in rows if r["kind"] == "test")
    test = Test(np.asarray(about["values"], np.float32), start, about["planned"], about["error"], about["seed"])
    return [test.look(Seen(r["step"], r["n"], np.asarray(r["values"], np.float32))) for r in found]


def _text(row: Floats) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode()


def _floats(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
