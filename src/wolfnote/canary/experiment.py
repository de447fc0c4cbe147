"""The experiment as one replica lives it: reads the state, places requests, hands on what was observed, and acts on evidence.

What decides is pure and lies beside this file (``assignment``, ``evidence``, ``controller``, ``exposure``); here is the clock.
A decision is on the disk before anything follows from it, and whatever this replica does not know for sure exposes nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from wolfnote.canary import asking as requests
from wolfnote.canary import assignment, controller, exposure
from wolfnote.canary.asking import Asking
from wolfnote.canary.assignment import Arm, Identity, Pin
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.controller import Stage, State
from wolfnote.canary.evidence import Answered, Observation, Order, Reading
from wolfnote.canary.exposure import Exposure, Health
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.keys import Key
from wolfnote.canary.log import Noted
from wolfnote.canary.store import Group, Kept, Store
from wolfnote.canary.store.group import account
from wolfnote.canary.store.taken import Taken
from wolfnote.errors import RunError

FLUSH = 0.02
"""Seconds between two looks at which verdicts are in; the store writes every 50 ms."""
PINS = 200_000
"""Conversations whose arm is kept in memory; of others the store is asked."""
OVERDUE = 300.0
"""Seconds after which an answer without a verdict counts as an abstention."""


class Placed(NamedTuple):
    """Where a request goes, and what is to be learnt from it; fixed before anything was answered."""

    arm: Arm
    why: str = ""
    unit: str = ""
    """The unit of observation, as the store knows it."""
    question: str = ""
    fair: bool = False
    """Nobody had answered in this conversation yet."""
    place: int = 0
    """Its place in the order of verdicts; 0 = it is not judged."""
    other: Arm | None = None
    """The arm that is asked the same, off the request's path."""

    @property
    def judged(self) -> bool:
        """Whether the answer is kept for the judges."""
        return self.place > 0


class Experiment:
    """One replica's part. ``open`` first; ``run`` until it is cancelled."""

    def __init__(
        self, settings: Configuration, store: Store, name: str, salt: bytes, replica: str, taken: Taken | None = None
    ) -> None:  # fmt: skip
        self.settings, self.name, self.replica = settings, name, replica
        self._store, self._salt, self._taken = store, salt, taken
        self.snapshot = Snapshot(State(name), settings.limits)
        self.history: list[tuple[float, float, float]] = []
        """(seconds since 1970, log E of harm, share), for the dashboard's curve; thinned as it grows."""
        self.order: Order[Observation | None] = Order()
        self.on_state: Callable[[State, bool], None] = lambda state, mine: None
        """Told of each new state, and whether it was this replica that wrote it."""
        self.group = Group(store, name, replica, time.time, taken)
        self._pins: OrderedDict[str, Pin | None] = OrderedDict()
        self._alone = not settings.store.postgres
        """Nobody else writes pins: what is not known here can be known to be in no store."""
        self._complete = False
        self._read_at: float | None = None
        self._unjudged = 0
        self._unread: dict[int, Observation] = {}
        """Place → what counts if its judges never come back: answers that nobody could read, or a judge that hangs hid harm."""

    async def open(self) -> None:
        """Find the experiment, or begin it. Raises ``RunError``."""
        facts = {"stable": self.settings.stable.model, "canary": self.settings.canary.model}
        facts |= {"judges": " ".join(self.settings.judging.judges), "replica": self.replica}
        self._see(await self._store.begin(self.name, self.settings.limits, facts, time.time()))
        self._complete = self._alone and self.snapshot.head.number <= 1
        if self.state.stage is Stage.DRAFT:
            await self._decide(lambda seen: _begun(seen.state))
        await self._store.note(self.name, Noted("replica", {"name": self.replica}), time.time())
        if self._taken is not None:
            await account(self._store, self.name, self.group, self._taken)
        self._read_at = clock()

    @property
    def state(self) -> State:
        """The state, as this replica last read it."""
        return self.snapshot.state

    @property
    def exposure(self) -> Exposure:
        """What share the canary gets now, and why none."""
        health = Health(self._read_at, len(self.order), self.order.oldest, self._unjudged, self.group.writing)
        return exposure.expose(self.state, health, clock(), self.settings.course)

    async def place(self, key: Key, headers: dict[bytes, bytes], asking: Asking) -> Placed:
        """The arm of a request. Never raises: whatever cannot be known is stable's."""
        identity, said = self._identify(key, headers, asking)
        u = assignment.position(self._salt, identity)
        share = self.exposure.share
        opted_out = "opted out" if assignment.OPT_OUT.encode() in headers else ""
        only = opted_out or ("denied" if key.tenant in self.settings.deny else "")
        largest = self._largest(share)
        pin = await self._pin(identity) if u < max(share, largest) or identity.kind == "response" else None
        placed = assignment.place(
            u, share, pinned=pin.arm if pin else None, largest=largest, stable_only=only, kind=identity.kind
        )  # fmt: skip
        if placed.pin:
            self._remember(identity, Pin(placed.arm, assignment.name(self._salt, identity)))
        return self._watched(identity, placed, u, share, asking, said)

    def _largest(self, share: float) -> float:
        """Up to where conversations are pinned: from the last step on everybody's, for a promotion may flip nobody mid-talk."""
        state, last = self.state, self.settings.course.steps[-1]
        return 1.0 if state.promoted or max(share, state.share, state.held_share) >= last else last

    async def arm_of(self, tenant: str, response: str) -> Arm:
        """Who made a stored response: whoever is pinned, else stable."""
        pin = await self._pin(assignment.response(tenant, response))
        return pin.arm if pin is not None and self.exposure.share > 0 else Arm.STABLE

    def made(self, key: Key, response: str, arm: Arm, unit: str) -> None:
        """A response with this id was made and may be gone on from."""
        if arm is Arm.CANARY and response:
            self._remember(assignment.response(key.tenant, response), Pin(arm, unit))

    def served(self) -> None:
        """The canary's answer to a judged request was given to a user."""
        self._unjudged += 1

    def observe(self, place: int, observation: Observation | None, kept: Kept | None = None) -> None:
        """The verdict on a judged request; None: there is nothing to be learnt from it."""
        self._unread.pop(place, None)
        self.order.fill(place, observation)
        readings = [observation.canary, observation.stable] if observation else []
        if any(reading is not None and reading.flag is not None for reading in readings):
            self._unjudged = 0
        if kept is not None:
            self.group.keep(kept)

    async def act(self, rule: Callable[[Snapshot], State | None]) -> State:
        """A person's decision. Raises ``InputError`` when it may not be, ``RunError`` when it cannot be written."""
        await self.flush()
        await self._decide(rule)
        return self.state

    async def run(self) -> None:
        """Follow the state and write what was observed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._hand_on())
            tasks.create_task(self.group.run())
            tasks.create_task(self._weigh())

    async def flush(self) -> None:
        """Write all that may be counted now. What the store does not take is tried again with the next batch."""
        self._gather()
        with contextlib.suppress(RunError):
            await self.group.flush()

    def _gather(self) -> None:
        """Verdicts whose turn it is go to the store; a place without a verdict is given up in the end."""
        for place in self.order.overdue(clock() - OVERDUE):
            self.order.fill(place, self._unread.pop(place, None))
            self.group.count("overdue")
        for observation in self.order.ready():
            if observation is not None:
                self.group.observe(observation)

    async def _follow(self) -> None:
        """Renew the lease: a read that was sent off at t holds until t + ``course.lease``."""
        while True:
            try:
                async for _ in self._store.changes(self.name, self.settings.course.poll):
                    sent = clock()
                    state = await self._store.state(self.name)
                    self._read_at = sent
                    if state.number > self.state.number:
                        self._see(await self._store.snapshot(self.name))
            except RunError:
                await asyncio.sleep(self.settings.course.poll)

    async def _hand_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH)
            self._gather()

    async def _weigh(self) -> None:
        """Look at the evidence of all replicas, and do what it demands."""
        while True:
            await asyncio.sleep(self.settings.course.poll / 2)
            try:
                seen = await self._store.snapshot(self.name)
                self._see(seen)
                if _demanded(seen) is not None:
                    await self._decide(_demanded)
            except RunError:
                continue  # nothing is read: the lease runs out by itself

    async def _decide(self, rule: Callable[[Snapshot], State | None]) -> None:
        decided: list[State | None] = []

        def remembered(seen: Snapshot) -> State | None:
            decided.append(rule(seen))
            return decided[-1]

        after = await self._store.decide(self.name, remembered, time.time())
        self._see(after, mine=bool(decided) and decided[-1] == after.state)

    def _see(self, snapshot: Snapshot, *, mine: bool = False) -> None:
        """A newer snapshot; an older one that came late is not looked at."""
        before = self.snapshot.state
        if snapshot.head.number < self.snapshot.head.number or snapshot.state.number < before.number:
            return
        self.snapshot = snapshot
        self._draw_curve(snapshot)
        if snapshot.state.number > before.number:
            self.on_state(snapshot.state, mine)

    def _draw_curve(self, snapshot: Snapshot) -> None:
        now = time.time()
        if not self.history or now - self.history[-1][0] >= 1:
            self.history.append((now, snapshot.evidence.harm, snapshot.state.share))
        if len(self.history) > 1000:
            self.history = self.history[::2]

    def _identify(self, key: Key, headers: dict[bytes, bytes], asking: Asking) -> tuple[Identity, dict[str, Any] | None]:
        """Whose conversation it is, and what was said, where that had to be read to know it."""
        own = headers.get(assignment.HEADER.encode(), b"").decode("latin-1")
        named = {assignment.HEADER: own} if own else {}
        identity = assignment.identify(key.tenant, named, asking.names(), key.hash)
        if identity.kind != "content":
            return identity, None
        said = asking.said()
        return assignment.identify(key.tenant, named, asking.names() | said, key.hash), said

    def _watched(
        self,
        identity: Identity,
        placed: assignment.Assignment,
        u: float,
        share: float,
        asking: Asking,
        said: dict[str, Any] | None,
    ) -> Placed:
        """What is to be learnt from a request that goes there."""
        other = self._other(identity, placed.arm, share)
        wanted = placed.arm is Arm.CANARY or other is not None
        sampled = placed.drawn and assignment.sampled(u)
        if not (wanted or sampled):
            return Placed(placed.arm, placed.why)
        said = asking.said() if said is None else said
        question, answered = requests.question(said)
        fair = assignment.is_first_turn(asking.names() | said)
        unit = assignment.name(self._salt, identity, identity.observed(int(time.time() // 86_400)))
        if sampled and fair:
            self.group.answer(Answered(unit, share, placed.arm))
        room = len(self.order) < self.settings.course.queue
        judged = wanted and room and answered < self.settings.limits.turns
        place = self.order.take(clock()) if judged else 0
        if judged:
            self._unread[place] = _unreadable(unit, {placed.arm, other}, fair=fair)
        return Placed(placed.arm, placed.why, unit, question, fair, place, other if judged else None)

    def _other(self, identity: Identity, arm: Arm, share: float) -> Arm | None:
        """The arm that is asked the same: by a hash of its own, before anything is answered."""
        stage, shadow = self.state.stage, self.settings.shadow
        if stage not in (Stage.SHADOW, Stage.CANARY, Stage.PROMOTED):
            return None  # held, over or not begun: nothing more is sent to the canary
        if arm is Arm.CANARY:
            part = self.settings.course.shadow if stage is Stage.PROMOTED else shadow.share
        else:
            part = shadow.share if stage is Stage.SHADOW else shadow.beside
        drawn = part >= 1 or (part > 0 and assignment.position(b"shadow" + self._salt, identity) < part)
        return (Arm.STABLE if arm is Arm.CANARY else Arm.CANARY) if drawn else None

    async def _pin(self, identity: Identity) -> Pin | None:
        """What is remembered of an identity, here or in the store. A store that does not answer knows nobody."""
        name = assignment.name(self._salt, identity)
        if name in self._pins or self._complete:
            return self._pins.get(name)
        try:
            found = self.group.waiting(name) or await self._store.pinned(self.name, name)
        except RunError:
            self._read_at = None  # no lease: whoever should be sent back must not be missed
            return Pin(Arm.STABLE, name)
        if found is not None or self._alone:
            self._cache(name, found)
        return found

    def _remember(self, identity: Identity, pin: Pin) -> None:
        name = assignment.name(self._salt, identity)
        if self._pins.get(name) != pin:
            self._cache(name, pin)
            self.group.pin(name, pin)

    def _cache(self, name: str, pin: Pin | None) -> None:
        self._pins[name] = pin
        if len(self._pins) > PINS:
            self._pins.popitem(last=False)
            self._complete = False


def clock() -> float:
    """Seconds on a clock that never jumps and counts a suspended machine's sleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _unreadable(unit: str, asked: set[Arm | None], *, fair: bool) -> Observation:
    canary, stable = (Reading(None) if arm in asked else None for arm in (Arm.CANARY, Arm.STABLE))
    return Observation(unit, canary, stable, fair=fair)


def _begun(state: State) -> State | None:
    return controller.begin(state, controller.AUTOMATIC, time.time()) if state.stage is Stage.DRAFT else None


def _demanded(seen: Snapshot) -> State | None:
    return controller.decide(seen.state, seen.evidence, seen.limits, time.time())
