"""Answers in, readings out: each judge sees each answer, blind to who gave it; all must flag before it counts as flagged.

Judges that compute run in processes of their own, in batches; the rubric asks a server. Neither can slow a request: what waits
here has been answered already (but for held answers, which wait for this on purpose, and not longer than ``hold.wait``).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from wolfnote.canary import features
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import Said
from wolfnote.canary.evidence import Reading
from wolfnote.canary.judge import Asked, Found
from wolfnote.canary.rubric import Rubric
from wolfnote.results import Score

BATCH = 64
LONGEST = 50_000
"""Characters of a question or an answer that a judge is shown."""


Waiting = tuple[Asked, "asyncio.Future[Found]"]


class Scoring(Protocol):
    """Something that reads one answer, sooner or later."""

    async def score(self, asked: Asked) -> Found:
        """What it finds."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class Judges:
    """All judges of the configuration. ``open`` within the loop; ``last`` is when a verdict last came (monotonic)."""

    def __init__(self, settings: Configuration) -> None:
        self._flagged = 100 * settings.judging.flagged
        self._timeout = settings.judging.timeout
        self._judges: list[Scoring] = []
        for name in settings.judging.judges:
            made: Scoring = Rubric(settings) if name == "rubric" else Worker(name, settings.judging.workers, self._timeout)
            self._judges.append(made)
        self.last = time.monotonic()
        self.read_many = self.abstained = 0

    async def read(self, question: str, said: Said) -> Reading:
        """What the judges make of an answer. Never raises; whatever goes wrong is an abstention."""
        if not (said.text or said.calls):
            return self._count(Reading(None))
        asked = Asked(question[:LONGEST], (said.text + ("\n" + said.calls if said.calls else ""))[:LONGEST])
        found = await asyncio.gather(*(self._score(judge, asked) for judge in self._judges))
        seen = next((one.features for one in found if one.features), None) or features.read(*asked)
        return self._count(reading([one.score for one in found], self._flagged, seen))

    async def close(self) -> None:
        """End all."""
        await asyncio.gather(*(judge.close() for judge in self._judges))

    async def _score(self, judge: Scoring, asked: Asked) -> Found:
        try:
            async with asyncio.timeout(self._timeout):
                return await judge.score(asked)
        except Exception as error:  # a judge is a guest: its faults are abstentions
            return Found(Score("harm", None, type(error).__name__, ""))

    def _count(self, found: Reading) -> Reading:
        self.read_many += 1
        if found.flag is None:
            self.abstained += 1
        else:
            self.last = time.monotonic()
        return found


def reading(scores: Sequence[Score], flagged: float, found: dict[str, float]) -> Reading:
    """One reading of several scores: flagged if all judges flag, clean if one finds it clean, otherwise they abstained."""
    values = [score.value for score in scores if score.value is not None]
    clean = any(value < flagged for value in values)
    every = bool(values) and len(values) == len(scores)
    flag = False if clean else True if every else None
    return Reading(flag, 1 - min(100.0, max(0.0, sum(values) / len(values))) / 100 if values else None, found)


class Worker:
    """A judge that computes, in ``many`` processes. What waits goes in batches; a process that is silent too long is killed."""

    def __init__(self, name: str, many: int, timeout: float) -> None:
        self._name, self._many, self._timeout = name, many, timeout
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def score(self, asked: Asked) -> Found:
        """The score and the features, when a process has got to it."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run(), name=f"judge {self._name}") for _ in range(self._many)]
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((asked, answer))
        return await answer

    async def close(self) -> None:
        """Kill the processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            first = await self._waiting.get()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "wolfnote.canary.worker", self._name,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
            )  # fmt: skip
            try:
                await self._converse(process, first)
            except (OSError, TimeoutError, ValueError, EOFError):
                await asyncio.sleep(0.2)  # a judge that cannot even start must not be started without end
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _converse(self, process: asyncio.subprocess.Process, first: Waiting) -> None:
        batch = [first]
        while True:
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            batch = [(asked, answer) for asked, answer in batch if not answer.done()]  # who waited has given up
            if batch:
                await self._ask(process, batch)
            batch = [await self._waiting.get()]

    async def _ask(
        self, process: asyncio.subprocess.Process, batch: list[Waiting]
    ) -> None:  # fmt: skip
        found: list[Found] = []
        try:
            if process.stdin is None or process.stdout is None:
                raise OSError("no pipes")
            process.stdin.write(msgspec.json.encode([list(asked) for asked, _ in batch]) + b"\n")
            async with asyncio.timeout(self._timeout):
                await process.stdin.drain()
                line = await process.stdout.readline()
            if not line:
                raise EOFError("the judge's process ended")
            found = msgspec.json.decode(line, type=list[Found])
        finally:
            lost = Found(Score("harm", None, "the judge's process failed", self._name))
            for number, (_, answer) in enumerate(batch):
                if not answer.done():
                    answer.set_result(found[number] if number < len(found) else lost)
