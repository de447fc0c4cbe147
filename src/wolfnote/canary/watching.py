"""What comes of a finished request: its answer is read, the other arm asked, both judged, and the verdict handed on in order.

All of this happens after the user has been answered. Whatever goes wrong here costs evidence, never an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import msgspec

from wolfnote.canary import dialect
from wolfnote.canary.asking import Asking
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import Said
from wolfnote.canary.evidence import Observation, Reading
from wolfnote.canary.exchange import Exchange
from wolfnote.canary.experiment import Experiment, Placed
from wolfnote.canary.judging import Judges
from wolfnote.canary.keys import Key
from wolfnote.canary.metrics import Metrics
from wolfnote.canary.redaction import redact
from wolfnote.canary.shadow import Case, Shadow
from wolfnote.canary.store import Kept
from wolfnote.canary.upstream import Upstream

SHOWN = 8_000
"""Characters of a question or an answer that are kept."""


class Watching:
    """Between the gateway and the experiment."""

    def __init__(
        self, settings: Configuration, experiment: Experiment, judges: Judges, upstreams: dict[Arm, Upstream], metrics: Metrics
    ) -> None:  # fmt: skip
        self.settings, self._experiment, self._judges, self._metrics = settings, experiment, judges, metrics
        self.shadow = Shadow(upstreams, settings, metrics, self.judge)
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown = 0.0

    @property
    def busy(self) -> int:
        """Cases that are being judged."""
        return len(self._tasks)

    async def place(self, key: Key, headers: dict[bytes, bytes], asking: Asking) -> Placed:
        """The arm of a request."""
        return await self._experiment.place(key, headers, asking)

    async def arm_of(self, key: Key, response: str) -> Arm:
        """Who made a stored response."""
        return await self._experiment.arm_of(key.tenant, response)

    async def verdict(self, exchange: Exchange, said: Said) -> bool:
        """Whether a held answer may go out. Not judged in time is not."""
        question = exchange.placed.question if exchange.placed else ""
        try:
            async with asyncio.timeout(self.settings.hold.wait):
                return (await self._judges.read(question, said)).flag is False
        except TimeoutError:
            return False

    def over(self, exchange: Exchange) -> None:
        """A request is over: take what it is worth."""
        placed, asking = exchange.placed, exchange.asking
        if placed is None or asking is None:
            return
        whole = self._read(exchange, asking)
        if asking.endpoint == "responses" and exchange.answered_by is Arm.CANARY and exchange.kept:
            response = dialect.response_id(b"".join(exchange.kept), streamed=exchange.streamed)
            self._experiment.made(exchange.key, response, Arm.CANARY, placed.unit)
        if not placed.judged:
            return
        if exchange.answered_by is Arm.CANARY and exchange.begun:
            self._experiment.served()
        if not exchange.said or (exchange.gone and not any(said.text for said in exchange.said.values())):
            self._experiment.observe(placed.place, None)  # nobody was told anything
            return
        case = Case(placed, exchange.path, exchange.headers, asking, exchange.body_bytes, exchange.said, whole and placed.fair)
        if placed.other is not None and placed.other not in exchange.said:
            self.shadow.put(case)
        else:
            self._begin(self.judge(case))

    async def judge(self, case: Case) -> None:
        """Have both answers judged, and hand the verdict on."""
        self._begin(self._judged(case))

    async def close(self) -> None:
        """Give up what is unfinished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _judged(self, case: Case) -> None:
        arms = list(case.said)
        readings = dict(zip(arms, await asyncio.gather(*(self._read_one(case, arm) for arm in arms)), strict=True))
        for arm, reading in readings.items():
            self._metrics.verdict(str(arm), reading.flag)
        canary, stable = readings.get(Arm.CANARY), readings.get(Arm.STABLE)
        found = Observation(case.placed.unit, canary, stable, fair=case.fair)
        worth = canary is not None or stable is not None
        self._experiment.observe(case.placed.place, found if worth else None, self._kept(case, readings))

    def _kept(self, case: Case, readings: dict[Arm, Reading]) -> Kept | None:
        """The pair to look at: every flagged one, and of the others one a second, which is more than anybody reads."""
        flagged = any(reading.flag is True for reading in readings.values())
        now = time.monotonic()
        if not self.settings.store.bodies or not (flagged or now - self._shown >= 1):
            return None
        self._shown = now
        return kept(case, readings)

    async def _read_one(self, case: Case, arm: Arm) -> Reading:
        said = case.said[arm]
        return await self._judges.read(case.placed.question, said)

    def _read(self, exchange: Exchange, asking: Asking) -> bool:
        """Read what was relayed into ``exchange.said``; whether it is whole."""
        unread = exchange.kept is None and exchange.begun and exchange.answered_by is Arm.CANARY
        if unread and Arm.CANARY not in exchange.said:
            exchange.hear(Arm.CANARY, None)  # it broke off, or was longer than bounds.reply: a user has read it all the same
        if exchange.kept is None or not exchange.begun or not (exchange.placed and exchange.placed.judged):
            return not exchange.gone
        if 200 <= exchange.status < 300:
            said = dialect.read(asking.endpoint, b"".join(exchange.kept), streamed=exchange.streamed)
            exchange.hear(exchange.answered_by, said)
        cut = exchange.fallback == "held" and self.settings.hold.mode == "window"  # the canary's was judged before its end
        return not (exchange.gone or exchange.fault or cut)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def kept(case: Case, readings: dict[Arm, Reading]) -> Kept:
    """The pair for people to look at: cut, and with what names or unlocks a person taken out."""
    shown = {
        str(arm): {
            "text": redact(said.text[:SHOWN]),
            "calls": redact(said.calls[:SHOWN]),
            "flag": readings[arm].flag,
            "score": readings[arm].score,
        }
        for arm, said in case.said.items()
    }
    body = msgspec.json.encode({"question": redact(case.placed.question[:SHOWN]), "fair": case.fair, **shown})
    return Kept(case.placed.unit, time.time(), any(reading.flag is True for reading in readings.values()), body)
