"""The same question to the other model, off the request's path: bounded, isolated, and never acted on.

It begins when the user has their answer. It has its own connections and its own few tasks; what is full drops, counts what it
dropped, and keeps first turns before later ones. A reply is read and thrown away: tool calls in it are text.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from wolfnote.canary import dialect, headers, relay
from wolfnote.canary.asking import Asking
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import Said
from wolfnote.canary.experiment import Placed
from wolfnote.canary.headers import Raw
from wolfnote.canary.metrics import Metrics
from wolfnote.canary.upstream import FAULTS, Upstream

WEIGHT = 64 << 20
"""Bytes of all questions that wait."""


class Case(NamedTuple):
    """One judged request: what was asked, and what each arm said. ``fair`` is False where an answer was cut short."""

    placed: Placed
    path: str
    headers: Raw
    asking: Asking
    weight: int
    said: dict[Arm, Said]
    fair: bool = True


Then = Callable[[Case], Awaitable[None]]


class Shadow:
    """The queue and its tasks. ``then`` gets each case back, with the other arm's answer or, where it was dropped, without."""

    def __init__(self, upstreams: dict[Arm, Upstream], settings: Configuration, metrics: Metrics, then: Then) -> None:
        self._upstreams, self.settings, self._metrics, self._then = upstreams, settings, metrics, then
        self._first: deque[Case] = deque()
        self._later: deque[Case] = deque()
        self._weight = 0
        self._some = asyncio.Semaphore(0)
        self._rest: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._first) + len(self._later)

    def put(self, case: Case) -> None:
        """Take a case. The oldest later turn, then the oldest first one, makes room."""
        unfit = _unfit(case)
        if unfit:
            self._drop(case, unfit)
            return
        (self._first if case.placed.fair else self._later).append(case)
        self._weight += case.weight
        self._some.release()
        while len(self) > self.settings.shadow.queue or self._weight > WEIGHT:
            victim = (self._later or self._first).popleft()
            self._weight -= victim.weight
            self._drop(victim, "queue full")

    async def run(self) -> None:
        """Ask, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.settings.shadow.at_once):
                tasks.create_task(self._ask_on())

    async def _ask_on(self) -> None:
        while True:
            await self._some.acquire()
            if not len(self):  # it was dropped meanwhile
                continue
            case = (self._first or self._later).popleft()
            self._weight -= case.weight
            if case.placed.other is not None:
                await self._then(await self._asked(case, case.placed.other))

    async def _asked(self, case: Case, other: Arm) -> Case:
        """The case with the other arm's answer. A canary that fails is one that nobody could read; a base that fails, none."""
        self._metrics.shadow("sent")
        try:
            async with asyncio.timeout(self.settings.shadow.timeout):
                said = await self._ask(other, case)
        except FAULTS as error:
            self._metrics.shadow("failed", type(error).__name__)
            return _with(case, Arm.CANARY, dialect.UNREAD) if other is Arm.CANARY else case
        self._metrics.shadow("ok")
        return _with(case, other, said)

    async def _ask(self, other: Arm, case: Case) -> Said:
        upstream = self._upstreams[other]
        sent = headers.up(case.headers, own=upstream.own, keep_credentials=not self.settings.keys)
        body = case.asking.shadow_body(upstream.settings.model)
        async with upstream.asked(case.path, sent, body) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            data, whole = await relay.gather(response, self.settings.bounds.reply)
        return dialect.read(case.asking.endpoint, data, streamed=False) if whole else dialect.UNREAD

    def _drop(self, case: Case, why: str) -> None:
        self._metrics.shadow("dropped", why)
        task = asyncio.ensure_future(self._then(case))
        self._rest.add(task)
        task.add_done_callback(self._rest.discard)


def _unfit(case: Case) -> str:
    """Why a question cannot be asked again without the other model's memory or side effects; empty: it can."""
    if case.asking.stateful:
        return "goes on from stored state"
    if case.asking.tools_run_upstream():
        return "tools that the server runs"
    return ""


def _with(case: Case, arm: Arm, said: Said) -> Case:
    return case._replace(said=case.said | {arm: said})
