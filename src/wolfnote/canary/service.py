"""A gateway that runs: upstreams, judges, shadow, experiment and hooks, begun and ended in order; the file, read again.

``Service`` is what the admin port shows and steers; ``gateway`` in it is the app of the data port.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.canary import configuration, controller
from wolfnote.canary import settings as limits
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.controller import State
from wolfnote.canary.evidence import estimates
from wolfnote.canary.experiment import Experiment
from wolfnote.canary.gateway import Gateway
from wolfnote.canary.journal import Journal
from wolfnote.canary.judging import Judges
from wolfnote.canary.keys import Ring
from wolfnote.canary.metrics import Metrics
from wolfnote.canary.proxy import Proxy
from wolfnote.canary.rounds import Rounds
from wolfnote.canary.store import Store
from wolfnote.canary.store.taken import Taken
from wolfnote.canary.upstream import Upstream
from wolfnote.canary.watching import Watching
from wolfnote.canary.webhooks import Webhooks
from wolfnote.errors import RunError, SettingsError

RELOAD = 1.0
FORGET = 600.0
HISTORY = 300


def named(settings: Configuration) -> str:
    """The experiment's name: another model, judge or limit is another experiment."""
    models = [f"{server.url}#{server.model}" for server in (settings.stable, settings.canary, settings.judge)]
    flagged = f"{settings.judging.flagged}"
    return limits.identity(settings.limits, *models, *settings.judging.judges, flagged)


class Service:
    """One gateway. ``open`` and ``close`` within the loop; ``run`` in between."""

    def __init__(
        self, settings: Configuration, store: Store, salt: bytes, *, taken: Taken | None = None, replica: str = ""
    ) -> None:  # fmt: skip
        self.settings = settings
        self.metrics = Metrics()
        self.journal = Journal(settings.store.log)
        self.judges = Judges(settings)
        self.experiment = Experiment(settings, store, named(settings), salt, replica or secrets.token_hex(6), taken)
        self.experiment.on_state = self._stated
        self._store = store
        self._servers = {Arm.STABLE: settings.stable, Arm.CANARY: settings.canary}
        self._front = {arm: Upstream(arm, server) for arm, server in self._servers.items()}
        at_once = settings.shadow.at_once
        self._behind = {arm: Upstream(arm, server, at_once=at_once) for arm, server in self._servers.items()}
        self.watching = Watching(settings, self.experiment, self.judges, self._behind, self.metrics)
        self.rounds = Rounds(settings, self.experiment, store, self.judges, self._behind)
        self.proxy = Proxy(self._front, settings, self.watching.verdict, lambda: self.experiment.exposure.share > 0)
        self.gateway = Gateway(settings, self.proxy, self.watching, Ring(settings.keys), self.metrics)
        self.gateway.on_over = self.journal.over
        self.gateway.ready = lambda: self.ready
        self.hooks = Webhooks(settings.hooks, tell=lambda text: self.journal.tell({"event": "webhook", "text": text}))
        self.reloads: list[str] = []
        self._opened = False

    @property
    def ready(self) -> bool:
        """Whether requests are taken. Without a store they still are: the base answers them."""
        return self._opened and not self.gateway.draining

    async def open(self) -> None:
        """Begin. Raises ``RunError`` when the store cannot be used."""
        for upstream in (*self._front.values(), *self._behind.values()):
            upstream.open()
        await self.experiment.open()
        self._opened = True

    async def run(self, file: Path | None = None, overrides: tuple[str, ...] = ()) -> None:
        """All that goes on beside requests, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            beside = (
                self.experiment.run(),
                self.watching.shadow.run(),
                self.rounds.run(),
                self.gateway.sweep(),
                self._forget(),
            )
            for work in beside:
                tasks.create_task(work)
            if file is not None:
                tasks.create_task(self._reread(file, overrides))

    async def close(self) -> None:
        """End: what is observed is written, what is not judged yet is given up."""
        self._opened = False
        await self.watching.close()
        await self.experiment.flush()
        await self.judges.close()
        await self.hooks.close()
        for upstream in (*self._front.values(), *self._behind.values()):
            await upstream.close()
        self.journal.close()

    def apply(self, settings: Configuration) -> None:
        """Another configuration from now on. Raises ``SettingsError`` for what takes a restart."""
        fixed = configuration.changed(self.settings, settings)
        if fixed:
            message = f"[{'], ['.join(fixed)}] changed under way"
            raise SettingsError(message, where="configuration", remedy="restart the gateway for it")
        self.settings = self.proxy.settings = self.gateway.settings = settings
        self.watching.settings = self.watching.shadow.settings = self.experiment.settings = settings
        self.gateway.ring.renew(settings.keys)

    def status(self) -> dict[str, Any]:
        """All that a person needs to see, as plain objects."""
        seen, exposure = self.experiment.snapshot, self.experiment.exposure
        evidence = seen.evidence
        return {
            "experiment": self.experiment.name,
            "state": msgspec.to_builtins(seen.state),
            "exposed": {"share": exposure.share, "why_none": exposure.why},
            "evidence": msgspec.to_builtins(evidence) | {"why": evidence.why, "promised": evidence.promised},
            "pauses": [msgspec.to_builtins(pause) | {"crossed": pause.crossed} for pause in evidence.pauses],
            "warnings": [pause.name for pause in controller.warnings(seen.state, evidence, seen.limits)],
            "estimates": msgspec.to_builtins(estimates(seen.counts, seen.limits)),
            "counts": {key: many for key, many in seen.counts.items() if ":" not in key},
            "split": _split(seen.counts),
            "history": self.experiment.history[-HISTORY:],
            "waiting": {"judges": len(self.experiment.order), "shadow": len(self.watching.shadow)},
            "here": dict(self.metrics.plain) | {"in flight": len(self.gateway.going), "log lines lost": self.journal.lost},
            "models": {"stable": self.settings.stable.model, "canary": self.settings.canary.model},
            "steps": list(self.settings.course.steps),
            "configuration": self.reloads[-1:],
        }

    def measured(self) -> bytes:
        """The page for Prometheus."""
        seen, gauge = self.experiment.snapshot, self.metrics.gauge
        evidence = seen.evidence
        gauge("share_decided", "The canary's share of new conversations, as decided.", seen.state.share)
        gauge("share_exposed", "The same, as this replica exposes it now.", self.experiment.exposure.share)
        gauge("harm_log_e", "log E of harm.", evidence.harm)
        gauge("harm_limit", "log E at which the canary is rolled back.", evidence.limit)
        gauge("pairs", "Judged pairs.", evidence.pairs)
        gauge("units", "Judged conversations of the canary.", evidence.units)
        gauge("rolled_back", "1 once the canary is rolled back.", float(seen.state.over))
        gauge("in_flight", "Requests in flight.", len(self.gateway.going))
        gauge("unjudged", "Answers that wait for a judge.", len(self.experiment.order))
        gauge("webhooks_failed", "Webhooks that were given up.", self.hooks.failed)
        return self.metrics.text()

    async def pairs(self, *, flagged: bool = False, limit: int = 50) -> list[dict[str, Any]]:
        """The newest pairs, or the newest flagged ones. Raises ``RunError``."""
        found = await self._store.kept(self.experiment.name, limit, flagged=flagged)
        return [{"unit": k.unit, "at": k.at, "flagged": k.flagged, **msgspec.json.decode(k.body)} for k in found]

    def _stated(self, state: State, mine: bool) -> None:
        self.journal.tell({"event": "decision", "mine": mine, **msgspec.to_builtins(state)})
        if mine:  # of many replicas, the one that decided tells the world
            self.hooks.decided(state)

    async def _reread(self, file: Path, overrides: tuple[str, ...]) -> None:
        """Read the file again when it changes; one that cannot be used is told and left alone."""
        before = _stamp(file)
        while True:
            await asyncio.sleep(RELOAD)
            now = _stamp(file)
            if now == before:
                continue
            before = now
            try:
                self.apply(configuration.load(file, overrides))
                text = "read again"
            except SettingsError as error:
                text = f"not used: {error}"
            self.reloads.append(text)
            self.journal.tell({"event": "configuration", "text": text})

    async def _forget(self) -> None:
        """Delete pairs and pins that are older than they may be."""
        while True:
            with contextlib.suppress(RunError):
                await self._store.forget(self.experiment.name, time.time() - 86_400 * self.settings.store.days)
            await asyncio.sleep(FORGET)


def _split(counts: dict[str, int]) -> dict[str, dict[str, int]]:
    """Share → arm → new conversations of the sample on which the split is checked."""
    found: dict[str, dict[str, int]] = {}
    for key, many in counts.items():
        if key.startswith("split:"):
            _, share, arm = key.split(":")
            found.setdefault(share, {})[arm] = many
    return found


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        about = file.stat()
    except OSError:
        return (0, 0, 0)
    return about.st_mtime_ns, about.st_size, about.st_ino
