"""Both stores keep an experiment so that nothing is lost or doubled, and the log says again what the counters hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from observed import LIMITS, batch, pair
from postgres import Server, serving

from wolfnote.canary.assignment import Arm, Pin
from wolfnote.canary.controller import AUTOMATIC, Stage, State, begin, decide, kill, promote
from wolfnote.canary.evidence import Answered, Observation, Reading
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Entry, Noted
from wolfnote.canary.replay import compare, replay
from wolfnote.canary.settings import Course, Limits
from wolfnote.canary.store import Beside, Kept, Store, connect
from wolfnote.errors import InputError, RunError

Opening = Callable[[], Awaitable[Store]]
COURSE = Course(pairs=1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be opened; experiments of other tests may be there."""
    return str(tmp_path / "canary.db") if request.param == "sqlite" else request.getfixturevalue("server").address


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"of {request.node.name}"


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[Store]:
    store = await connect(place)
    try:
        yield store
    finally:
        await store.close()


def shadow(snapshot: Snapshot) -> State:
    return begin(snapshot.state, AUTOMATIC, 2.0)


def automatic(snapshot: Snapshot) -> State | None:
    return decide(snapshot.state, snapshot.evidence, snapshot.limits, 3.0)


async def read(store: Store, name: str) -> list[Entry]:
    return [entry async for entry in store.entries(name)]


def test_a_life_and_its_replay(place: str, name: str) -> None:
    """Shadow, evidence, a person's promotion, harm, rollback: the log alone gives state, counts, watch and head again."""

    async def live() -> None:
        async with opened(place) as store:
            first = await store.begin(name, LIMITS, {"base": "b", "tuned": "t"}, 1.0)
            assert (first.state.stage, first.head.number) == (Stage.DRAFT, 1)
            assert await store.begin(name, Limits(error=0.01), {}, 9.0) == first, "what is there stays as it is"
            await store.decide(name, shadow, 2.0)
            clean = [Observation(f"u{n}", Reading(False, 0.9, {"length": 0.3}), Reading(False, 0.9)) for n in range(20)]
            assert await store.append(name, batch(1, *clean, **{"shadow sent": 20}), 3.0)
            await store.note(name, Noted("replica began", {"replica": "r1"}), 3.5)
            await store.decide(name, lambda s: promote(s.state, s.evidence, s.limits, COURSE, "Ada", 4.0), 4.0)
            assert (await store.decide(name, automatic, 5.0)).state.stage is Stage.CANARY
            await store.append(name, batch(2, *[pair(f"bad{n}", True) for n in range(15)]), 6.0)
            over = await store.decide(name, automatic, 7.0)
            assert over.state.stage is Stage.ROLLED_BACK
            assert over == await store.snapshot(name)
            assert (await store.state(name)) == over.state
            again = replay(await read(store, name))
            assert compare(again, over) == ""
            assert [d.state.stage for d in again.decisions] == [Stage.SHADOW, Stage.CANARY, Stage.ROLLED_BACK]
            assert again.decisions[-1].evidence == over.evidence
            assert name in await store.experiments()

    asyncio.run(live())


def test_a_restart_loses_nothing(place: str, name: str) -> None:
    """Closed and opened again: state, counts, what each conversation was counted for, and the number of the last batch."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            await store.decide(name, shadow, 2.0)
            await store.append(name, batch(1, pair("u", False)), 3.0)
            before = await store.snapshot(name)
        async with opened(place) as store:
            assert await store.snapshot(name) == before
            assert await store.last_batch(name, "r1") == 1
            await store.append(name, batch(2, pair("u", True)), 4.0)
            after = await store.snapshot(name)
            assert after.counts["canary.units"] == after.counts["pairs"] == 1
            assert after.counts["canary.flagged"] == 1
            assert compare(replay(await read(store, name)), after) == ""

    asyncio.run(live())


def test_a_batch_that_is_sent_twice_counts_once(place: str, name: str) -> None:
    """The writer died between commit and acknowledgement, and sends again."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            one = batch(1, pair("u", True), **{"shadow sent": 3})
            assert await store.append(name, one, 2.0)
            assert not await store.append(name, one, 3.0)
            assert (await store.snapshot(name)).counts["shadow sent"] == 3
            assert len(await read(store, name)) == 2

    asyncio.run(live())


def test_the_sum_of_the_replicas_is_the_whole(place: str, name: str) -> None:
    """Three write at once; a conversation that two of them saw is one; the counters equal the sum."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)

            async def write(replica: str) -> None:
                for n in range(1, 11):
                    observations = [pair(f"{replica}{n}", False), pair("of all", False)]
                    split = (Answered(f"{replica}{n}", 0.05, Arm.STABLE),)
                    await store.append(name, Batch(replica, n, tuple(observations), split, {"shadow sent": 2}), 2.0)

            await asyncio.gather(*(write(replica) for replica in "abc"))
            snapshot, parts = await store.snapshot(name), await store.by_replica(name)
            assert set(parts) == {"a", "b", "c"}
            for counter, value in snapshot.counts.items():
                assert value == sum(part.get(counter, 0) for part in parts.values())
            assert snapshot.counts["canary.units"] == 31
            assert snapshot.counts["split:0.05:stable"] == 30
            again = replay(await read(store, name))
            assert compare(again, snapshot) == ""
            assert {replica: dict(part) for replica, part in again.by_replica.items()} == parts

    asyncio.run(live())


def test_of_many_who_decide_one_does(place: str, name: str) -> None:
    """Twenty at once on the same evidence: one rollback in the log."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            await store.decide(name, shadow, 2.0)
            await store.append(name, batch(1, *[pair(n, True) for n in range(20)]), 3.0)
            seen = await asyncio.gather(*(store.decide(name, automatic, 4.0) for _ in range(20)))
            assert {snapshot.state.stage for snapshot in seen} == {Stage.ROLLED_BACK}
            assert len(replay(await read(store, name)).decisions) == 2

    asyncio.run(live())


def test_what_may_not_follow_is_not_written(place: str, name: str) -> None:
    """A rule that forges a state, and one that refuses: the log and the state stay as they were."""

    async def live() -> None:
        async with opened(place) as store:
            before = await store.begin(name, LIMITS, {}, 1.0)
            with pytest.raises(RunError, match="may not follow DRAFT"):
                await store.decide(name, lambda s: State(name, 1, Stage.PROMOTED, 1.0, who="Mallory"), 2.0)
            with pytest.raises(InputError, match="by name"):
                await store.decide(name, lambda s: kill(s.state, "", "", 2.0), 2.0)
            assert await store.snapshot(name) == before
            with pytest.raises(InputError, match="no experiment"):
                await store.state("another")

    asyncio.run(live())


def test_pins_and_pairs_beside_the_evidence(place: str, name: str) -> None:
    """Stable stays stable, whatever is pinned later; pairs come newest first; what is old is forgotten, evidence is not."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            kept = [Kept("u", 1.0, False, b'{"a":1}'), Kept("v", 2.0, True, b"{}"), Kept("w", 50.0, False, b"{}")]
            await store.append(name, batch(1, pair("u", False)), 1.0, Beside({"p": Pin(Arm.CANARY, "u")}, kept))
            assert await store.pinned(name, "p") == Pin(Arm.CANARY, "u")
            await store.append(name, batch(2), 2.0, Beside({"p": Pin(Arm.STABLE, "u"), "q": Pin(Arm.STABLE, "q")}))
            await store.append(name, batch(3), 60.0, Beside({"p": Pin(Arm.CANARY, "u")}))
            assert await store.pinned(name, "p") == Pin(Arm.STABLE, "u")
            assert await store.pinned(name, "nobody") is None
            assert [pair.unit for pair in await store.kept(name)] == ["w", "v", "u"]
            assert await store.kept(name, 5, flagged=True) == [kept[1]]
            assert await store.forget(name, 10.0) == 3
            assert [pair.unit for pair in await store.kept(name)] == ["w"]
            assert await store.pinned(name, "q") is None
            assert (await store.snapshot(name)).counts["pairs"] == 1

    asyncio.run(live())


def test_forgetting_much_takes_more_than_one_step(place: str, name: str) -> None:
    """2,500 old pins and pairs are gone, the young ones stay."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            pins = {f"p{n}": Pin(Arm.STABLE, "u") for n in range(2500)}
            kept = [Kept("u", 1.0 if n else 99.0, False, b"{}") for n in range(2501)]
            await store.append(name, batch(1), 1.0, Beside(pins, kept))
            await store.append(name, batch(2), 99.0, Beside({"p7": Pin(Arm.STABLE, "u")}))
            assert await store.forget(name, 50.0) == 2499 + 2500
            assert await store.pinned(name, "p7")
            assert len(await store.kept(name)) == 1
            assert await store.forget(name, 50.0) == 0

    asyncio.run(live())


def test_a_decision_wakes_whoever_waits(place: str, name: str) -> None:
    """Well before the poll would."""

    async def live() -> None:
        async with opened(place) as store:
            await store.begin(name, LIMITS, {}, 1.0)
            changes = store.changes(name, 30.0)
            await anext(changes)
            waiting = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0.3)
            await store.decide(name, shadow, 2.0)
            await asyncio.wait_for(waiting, 2.0)
            assert (await store.state(name)).stage is Stage.SHADOW

    asyncio.run(live())


def test_the_log_cannot_be_rewritten(tmp_path: Path) -> None:
    """Neither an update nor a delete goes through the database's own door."""
    import sqlite3

    async def live() -> None:
        async with opened(str(tmp_path / "x.db")) as store:
            await store.begin("x", LIMITS, {}, 1.0)

    asyncio.run(live())
    connection = sqlite3.connect(tmp_path / "x.db")
    for sql in ("UPDATE log SET at = 0", "DELETE FROM log"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(sql)
    connection.close()
