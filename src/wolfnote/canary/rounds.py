"""Sentinel questions, asked: by the replica that leads, of both models, while the canary is promoted; judged like any other."""

from __future__ import annotations

import asyncio
import time

import msgspec

from wolfnote.canary import dialect, relay
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import Said
from wolfnote.canary.evidence import Observation
from wolfnote.canary.experiment import Experiment, clock
from wolfnote.canary.judging import Judges
from wolfnote.canary.sentinels import ROUND, Sentinel, due
from wolfnote.canary.store import Store
from wolfnote.canary.upstream import FAULTS, Upstream
from wolfnote.errors import RunError

LOOK = 5.0
"""Seconds between two looks at what is due."""


class Rounds:
    """Asks what is due. ``every``: seconds in which each question is asked once."""

    def __init__(
        self,
        settings: Configuration,
        experiment: Experiment,
        store: Store,
        judges: Judges,
        upstreams: dict[Arm, Upstream],
        every: float = ROUND,
    ) -> None:
        self._settings, self._experiment, self._store = settings, experiment, store
        self._judges, self._upstreams, self._every = judges, upstreams, every

    async def run(self) -> None:
        """Ask, until cancelled. A store that does not answer says that we do not lead."""
        before = time.time()
        while self._settings.sentinels:
            await asyncio.sleep(min(LOOK, self._every / 4))
            now = time.time()
            for sentinel in due(self._settings.sentinels, before, now, self._every) if await self._leads() else ():
                await self.ask(sentinel)
            before = max(before, now)

    async def ask(self, sentinel: Sentinel) -> None:
        """Ask both, judge both, and hand the pair on. A base that fails makes no pair; a canary that fails was not read."""
        place = self._experiment.order.take(clock())
        canary, stable = await asyncio.gather(*(self._said(arm, sentinel.question) for arm in (Arm.CANARY, Arm.STABLE)))
        readings = [await self._judges.read(sentinel.question, said or dialect.UNREAD) for said in (canary, stable)]
        found = Observation(sentinel.unit, readings[0], readings[1], source="sentinel") if stable else None
        self._experiment.observe(place, found)

    async def _leads(self) -> bool:
        if not self._experiment.state.promoted or self._experiment.exposure.share <= 0:
            return False
        try:
            return await self._store.lead(self._experiment.name, self._experiment.replica)
        except RunError:
            return False

    async def _said(self, arm: Arm, question: str) -> Said | None:
        upstream = self._upstreams[arm]
        body = {"model": upstream.settings.model, "messages": [{"role": "user", "content": question}], "max_tokens": 512}
        headers = [*upstream.own, ("content-type", "application/json")]
        try:
            async with (
                asyncio.timeout(self._settings.shadow.timeout),
                upstream.asked("/v1/chat/completions", headers, msgspec.json.encode(body)) as response,
            ):
                if response.status != 200:
                    return None
                data, whole = await relay.gather(response, self._settings.bounds.reply)
        except FAULTS:
            return None
        return dialect.read("chat", data, streamed=False) if whole else None
