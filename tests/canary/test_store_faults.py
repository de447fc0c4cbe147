"""Killed, full, cut off or with a clock that jumps: what was acknowledged is there, once; what was not is counted as lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from observed import LIMITS, batch, pair
from postgres import Server, serving

from wolfnote.canary.assignment import Arm, Pin
from wolfnote.canary.controller import AUTOMATIC, Stage, State, begin, kill, promote
from wolfnote.canary.evidence import Observation, Reading
from wolfnote.canary.exposure import Health, expose
from wolfnote.canary.log import Entry
from wolfnote.canary.replay import compare, replay
from wolfnote.canary.settings import Course
from wolfnote.canary.store import Beside, Group, Store, Unreachable, connect, group
from wolfnote.canary.store.database import Database
from wolfnote.canary.store.taken import Taken
from wolfnote.errors import InputError, RunError

COURSE = Course(pairs=1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def child(tmp_path: Path, code: str, told: str = "") -> subprocess.Popen[str]:
    """A process of its own that may die; ``PATH`` is the folder, ``print`` an acknowledgement, ``told`` a line on its stdin."""
    head = f"""
    import asyncio, os, resource, signal, sys, time
    from pathlib import Path
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from observed import LIMITS, batch, pair
    from wolfnote.canary.store import Group, Unreachable, connect
    from wolfnote.canary.store.database import Database
    from wolfnote.canary.store.taken import Taken
    PATH = Path({str(tmp_path)!r})
    """
    source = textwrap.dedent(head) + textwrap.dedent(code)
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", source], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin
    process.stdin.write(told + "\n")
    process.stdin.flush()
    return process


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[Store]:
    store = await connect(place)
    try:
        yield store
    finally:
        await store.close()


async def read(store: Store, name: str = "x") -> list[Entry]:
    return [entry async for entry in store.entries(name)]


def test_killed_between_commit_and_acknowledgement(tmp_path: Path) -> None:
    """The batch is on the disk, its sender never heard so and sends it again: it counts once."""
    code = """
    store = Database.write(PATH / "x.db")
    store.begin("x", LIMITS, {}, 1.0)
    store.append("x", batch(1, pair("u", True)), 2.0)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    process = child(tmp_path, code)
    process.communicate(timeout=60)
    assert process.returncode == -9
    store = Database.write(tmp_path / "x.db")
    assert not store.append("x", batch(1, pair("u", True)), 3.0)
    assert store.append("x", batch(2, pair("v", True)), 3.0)
    snapshot = store.snapshot("x")
    assert snapshot.counts["canary.flagged"] == 2
    assert compare(replay(store.entries("x", 0)), snapshot) == ""
    store.close()


def test_killed_in_the_middle_of_work(tmp_path: Path) -> None:
    """Every acknowledged observation is there; what the process took and could not write is counted as lost, exactly."""
    code = """
    async def main():
        store = await connect(str(PATH / "x.db"))
        await store.begin("x", LIMITS, {}, 1.0)
        group = Group(store, "x", "first", time.time, Taken(PATH / "taken", "first"))
        writing = asyncio.ensure_future(group.run())
        for n in range(100_000):
            group.observe(pair(n, False))
            if n % 20 == 0:
                await asyncio.sleep(0.002)
            if n % 1000 == 999:
                await group.flush()
                print(n + 1, flush=True)
    asyncio.run(main())
    """
    process = child(tmp_path, code)
    assert process.stdout
    acknowledged = [int(process.stdout.readline()) for _ in range(3)][-1]
    time.sleep(0.03)
    process.kill()
    process.communicate()

    async def after() -> None:
        taken = Taken(tmp_path / "taken", "second")
        assert taken.before
        async with opened(str(tmp_path / "x.db")) as store:
            written = (await store.snapshot("x")).counts["pairs"]
            assert acknowledged <= written <= taken.before.taken
            second = Group(store, "x", "second", time.time, taken)
            lost = await group.account(store, "x", second, taken)
            await second.flush()
            snapshot = await store.snapshot("x")
            assert written + lost == taken.before.taken
            assert snapshot.counts.get("lost", 0) == lost
            assert compare(replay(await read(store)), snapshot) == ""
        taken.close()

    asyncio.run(after())


def test_a_full_disk_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """The disk takes no more: one line says so, nobody is exposed; after room was made the same batch goes in, once."""
    code = """
    async def main():
        store = await connect(str(PATH / "x.db"))
        await store.begin("x", LIMITS, {}, 1.0)
        group = Group(store, "x", "r", time.time)
        group.observe(pair("first", False))
        await group.flush()
        room = max(file.stat().st_size for file in PATH.iterdir()) + 4096
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            for n in range(5000):
                group.observe(pair(n, n % 2 == 0))
                await group.flush()
            print("never full")
        except Unreachable as error:
            print("nobody is exposed" in str(error), group.writing, n)
        group.observe(pair("while full", False))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await group.flush()
        print(group.writing, (await store.snapshot("x")).counts["pairs"])
        await store.close()
    asyncio.run(main())
    """
    out, err = child(tmp_path, code).communicate(timeout=60)
    assert err == ""
    (told, writing, n), (again, pairs) = (line.split() for line in out.splitlines())
    assert (told, writing, again) == ("True", "False", "True")
    assert int(pairs) == int(n) + 3
    store = Database.read(tmp_path / "x.db")
    assert compare(replay(store.entries("x", 0)), store.snapshot("x")) == ""
    store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a small disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    """Another file takes the last byte; the count of what was taken goes on; with room again everything is there once."""

    async def live() -> None:
        taken = Taken(small_disk / "taken", "r")
        async with opened(str(small_disk / "x.db")) as store:
            await store.begin("x", LIMITS, {}, 1.0)
            one = Group(store, "x", "r", time.time, taken)
            with suppress(OSError), (small_disk / "hog").open("wb", buffering=0) as hog:
                while True:
                    hog.write(b"x" * 4096)
            with pytest.raises(Unreachable, match="nobody is exposed"):
                for n in range(5000):
                    one.observe(pair(n, False))
                    await one.flush()
            (small_disk / "hog").unlink()
            await one.flush()
            snapshot = await store.snapshot("x")
            assert snapshot.counts["pairs"] == snapshot.counts["taken"] == n + 1
            assert compare(replay(await read(store)), snapshot) == ""
        taken.close()
        again = Taken(small_disk / "taken", "s")
        assert again.before == ("r", n + 1)
        again.close()

    asyncio.run(live())


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    """Back a year and forward ten: the order is the log's, and the evidence the same as with a good clock."""

    async def live(name: str, clock: Iterator[float]) -> dict[str, int]:
        async with opened(str(tmp_path / name)) as store:
            await store.begin("x", LIMITS, {}, next(clock))
            one = Group(store, "x", "r", lambda: next(clock))
            for n in range(10):
                one.observe(pair(n, n % 3 == 0))
                await one.flush()
            snapshot = await store.snapshot("x")
            assert compare(replay(await read(store)), snapshot) == ""
            return snapshot.counts

    jumps = iter([1e9, 1e9 - 3e7, 2e9, 0.0, -5.0, 1e9, *(float(n) for n in range(10))])
    assert asyncio.run(live("jumps.db", jumps)) == asyncio.run(live("good.db", iter(map(float, range(100)))))


def test_two_gateways_on_one_file_are_one_too_many(tmp_path: Path) -> None:
    """The second is refused in one line; a reader beside the first is welcome, and cannot write; after it closed all may."""
    first = Database.write(tmp_path / "x.db")
    first.begin("x", LIMITS, {}, 1.0)
    with pytest.raises(RunError, match="in use by another gateway"):
        Database.write(tmp_path / "x.db")
    reader = Database.read(tmp_path / "x.db")
    first.append("x", batch(1, pair("u", False)), 2.0)
    assert reader.snapshot("x").counts["pairs"] == 1
    with pytest.raises(Unreachable, match="readonly"):
        reader.append("x", batch(2, pair("v", False)), 2.0)
    reader.close()
    first.close()
    Database.write(tmp_path / "x.db").close()
    with pytest.raises(InputError, match="no such store"):
        Database.read(tmp_path / "y.db")
    with pytest.raises(InputError, match="cannot be made"):
        Database.write(Path("/dev/null/x.db"))


def test_a_file_that_is_no_store_is_said_so(tmp_path: Path) -> None:
    """In one line, not with a traceback of SQLite's."""
    (tmp_path / "x.db").write_text("this is a shopping list, and a rather long one, so that it looks like something" * 20)
    with pytest.raises(Unreachable, match="not a database"):
        Database.write(tmp_path / "x.db")


def test_what_does_not_fit_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away for long: memory stays bounded, whatever the verdicts, and what was dropped is in the counts."""
    monkeypatch.setattr(group, "ROOM", 5)

    async def live() -> None:
        async with opened(str(tmp_path / "x.db")) as store:
            await store.begin("x", LIMITS, {}, 1.0)
            one = Group(store, "x", "r", time.time)
            for n in range(8):
                one.observe(pair(n, n % 2 == 0))
                one.pin(f"p{n}", Pin(Arm.STABLE, "u"))
            one.pin("p0", Pin(Arm.STABLE, "u"))
            assert one.waiting("p0") == Pin(Arm.STABLE, "u")
            await one.flush()
            assert one.waiting("p0") is None
            counts = (await store.snapshot("x")).counts
            assert (counts["pairs"], counts["lost"], counts["lost pins"], counts["taken"]) == (5, 3, 3, 5)

    asyncio.run(live())


def test_a_group_writes_by_itself_within_its_time(tmp_path: Path) -> None:
    """No flush is asked for: 50 ms later it is in the store (and within a second on a machine that is busy)."""

    async def live() -> None:
        async with opened(str(tmp_path / "x.db")) as store:
            await store.begin("x", LIMITS, {}, 1.0)
            one = Group(store, "x", "r", time.time)
            writing = asyncio.ensure_future(one.run())
            for n in range(3):
                one.observe(pair(n, False))
                for _ in range(100):
                    await asyncio.sleep(0.01)
                    if (await store.snapshot("x")).counts.get("pairs") == n + 1:
                        break
                assert (await store.snapshot("x")).counts["pairs"] == n + 1
            writing.cancel()

    asyncio.run(live())


def test_postgres_killed_and_back(server: Server) -> None:
    """SIGKILL of the server under load: acknowledged batches are there, the others go in after it is back, all once."""

    async def live() -> None:
        async with opened(server.address) as store:
            await store.begin("killed", LIMITS, {}, 1.0)
            one = Group(store, "killed", "r", time.time)
            for n in range(40):
                one.observe(pair(n, False))
                if n == 20:
                    server.stop(kill=True)
                with suppress(Unreachable):
                    await one.flush()
            assert not one.writing
            with pytest.raises(Unreachable):
                await store.state("killed")
            server.start()
            for _ in range(50):
                with suppress(Unreachable):
                    await one.flush()
                    break
                await asyncio.sleep(0.1)
            snapshot = await store.snapshot("killed")
            assert snapshot.counts["pairs"] == snapshot.counts["taken"] == 40
            assert compare(replay(await read(store, "killed")), snapshot) == ""

    asyncio.run(live())


def test_a_replica_that_stops_inside_a_transaction_stops_nobody_for_long(server: Server) -> None:
    """It holds the experiment's row and says nothing more: the server cuts it off, and the others write again."""
    from wolfnote.canary.store.sessions import Sessions

    async def live() -> None:
        async with opened(server.address) as store:
            await store.begin("stuck", LIMITS, {}, 1.0)
            frozen = await Sessions.open(server.address)
            with suppress(Unreachable):
                async with frozen.session() as session:
                    await session.execute("BEGIN")
                    await session.execute("SELECT 1 FROM wolfnote.experiments WHERE name = 'stuck' FOR UPDATE")
                    start = time.monotonic()
                    for _ in range(4):
                        with suppress(Unreachable):
                            await store.append("stuck", batch(1, pair("u", False)), 2.0)
                            break
                    assert time.monotonic() - start < 8
            await frozen.close()
            assert (await store.snapshot("stuck")).counts["pairs"] == 1

    asyncio.run(live())


def test_three_processes_of_which_one_is_killed(server: Server, tmp_path: Path) -> None:
    """Real replicas, one of them SIGKILLed at work: counters equal the sum, and what the dead one took and lost is counted."""
    code = f"""
    async def main(replica):
        store = await connect({server.address!r})
        await store.begin("processes", LIMITS, {{}}, 1.0)
        group = Group(store, "processes", replica, time.time, Taken(PATH / replica, replica))
        writing = asyncio.ensure_future(group.run())
        print("ready", flush=True)
        for n in range(10_000 if replica == "b" else 300):
            group.observe(pair(f"{{replica}}{{n}}", n % 3 == 0))
            if n % 10 == 0:
                await asyncio.sleep(0.01)
        await group.flush()
        await store.close()
    asyncio.run(main(sys.stdin.readline().strip()))
    """
    processes = {replica: child(tmp_path, code, replica) for replica in "abc"}
    for process in processes.values():
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    time.sleep(0.4)
    processes["b"].kill()
    for process in processes.values():
        process.communicate(timeout=60)
    assert [process.returncode for process in processes.values()] == [0, -9, 0]

    async def after() -> None:
        async with opened(server.address) as store:
            taken = Taken(tmp_path / "b", "b again")
            assert taken.before
            again = Group(store, "processes", "b again", time.time, taken)
            lost = await group.account(store, "processes", again, taken)
            await again.flush()
            snapshot, parts = await store.snapshot("processes"), await store.by_replica("processes")
            assert parts["a"]["pairs"] == parts["c"]["pairs"] == 300
            assert 0 < parts["b"]["pairs"] == taken.before.taken - lost
            assert all(value == sum(p.get(name, 0) for p in parts.values()) for name, value in snapshot.counts.items())
            assert compare(replay(await read(store, "processes")), snapshot) == ""
            taken.close()

    asyncio.run(after())


def test_one_leads_and_another_follows(server: Server) -> None:
    """One leader at a time, asked again and again; when it goes, the next one to ask leads."""

    async def live() -> None:
        async with opened(server.address) as other:
            async with opened(server.address) as store:
                assert await other.lead("another", "b"), "of another experiment"
                assert [await store.lead("led", "a"), await other.lead("led", "b"), await store.lead("led", "a")] == [
                    True,
                    False,
                    True,
                ]
            for _ in range(50):
                if await other.lead("led", "b"):
                    return
                await asyncio.sleep(0.05)
            pytest.fail("nobody leads")

    asyncio.run(live())


class Line:
    """A TCP line to the server that can be cut without either end being told: a partition."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def lay(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        self._open.clear()

    async def take_up(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._tasks += [
            asyncio.ensure_future(self._carry(reader, far_writer)),
            asyncio.ensure_future(self._carry(far_reader, writer)),
        ]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class Replica:
    """What a gateway does to know its share: wakes, reads the state, and believes it for the length of a lease."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.last_exposed = 0.0
        self._read_at, self._state = float("-inf"), State("kill")

    async def hold(self) -> None:
        async for _ in self.store.changes("kill", COURSE.poll):
            asked = time.monotonic()
            with suppress(Unreachable):
                self._read_at, self._state = asked, await self.store.state("kill")

    @property
    def share(self) -> float:
        now = time.monotonic()
        found = expose(self._state, Health(self._read_at), now, COURSE).share
        self.last_exposed = now if found else self.last_exposed
        return found


async def at_one_per_cent(store: Store) -> None:
    """The experiment ``kill``, with somebody exposed."""
    await store.begin("kill", LIMITS, {}, 1.0)
    await store.decide("kill", lambda s: begin(s.state, AUTOMATIC, 1.0), 1.0)
    await store.append("kill", batch(1, Observation("u", Reading(False), Reading(False))), 1.0)
    await store.decide("kill", lambda s: promote(s.state, s.evidence, s.limits, COURSE, "Ada", 1.0), 1.0)


def test_a_kill_is_effective_on_every_replica_within_two_seconds(server: Server) -> None:
    """Three replicas at 1 %, the third partitioned a moment before: two hear of it at once, the third's lease lapses."""

    async def live() -> None:
        line = Line(server.port)
        far = server.address.replace(str(server.port), str(await line.lay()))
        replicas = [Replica(await connect(address)) for address in (server.address, server.address, far)]
        await at_one_per_cent(replicas[0].store)
        tasks = [asyncio.ensure_future(replica.hold()) for replica in replicas]
        for _ in range(200):
            await asyncio.sleep(0.02)
            if all(replica.share for replica in replicas):
                break
        assert [replica.share for replica in replicas] == [0.01] * 3
        line.cut()
        await replicas[1].store.decide("kill", lambda s: kill(s.state, "Ada", "", 2.0), 2.0)
        killed = time.monotonic()
        while time.monotonic() - killed < 2.5:
            shares = [replica.share for replica in replicas]
            await asyncio.sleep(0.01)
        assert shares == [0.0] * 3
        assert max(replica.last_exposed for replica in replicas) - killed < 2.0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await line.take_up()
        for replica in replicas:
            await replica.store.close()

    asyncio.run(live())


def test_three_replicas_make_one_decision(server: Server) -> None:
    """Three stores that write and decide at once: the counters equal the sum, and the log has one rollback."""

    async def live() -> None:
        stores = [await connect(server.address) for _ in range(3)]
        await stores[0].begin("three", LIMITS, {}, 1.0)
        await stores[0].decide("three", lambda s: begin(s.state, AUTOMATIC, 1.0), 1.0)

        async def work(n: int) -> None:
            from wolfnote.canary.controller import decide

            one = Group(stores[n], "three", f"r{n}", time.time)
            for k in range(12):
                one.observe(pair(f"{n}/{k}", True))
                one.pin(f"{n}/{k}", Pin(Arm.STABLE, "u"))
                await one.flush()
                await stores[n].decide("three", lambda s: decide(s.state, s.evidence, s.limits, 2.0), 2.0)

        await asyncio.gather(*(work(n) for n in range(3)))
        snapshot, parts = await stores[0].snapshot("three"), await stores[1].by_replica("three")
        assert snapshot.counts["canary.flagged"] == sum(part["canary.flagged"] for part in parts.values()) == 36
        again = replay(await read(stores[2], "three"))
        assert [d.state.stage for d in again.decisions] == [Stage.SHADOW, Stage.ROLLED_BACK]
        assert compare(again, snapshot) == ""
        for store in stores:
            await store.close()

    asyncio.run(live())


@pytest.mark.parametrize(
    ("address", "error"), [("postgresql://127.0.0.1:1/x", Unreachable), ("postgresql://a:b@[/x", InputError)]
)
def test_an_address_where_nobody_is(address: str, error: type[Exception]) -> None:
    """One line, without the password; no hang."""
    with pytest.raises(error) as raised:
        asyncio.run(connect(address.replace("127", "user:secret@127")))
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_beside_is_written_with_its_batch_or_not_at_all(tmp_path: Path) -> None:
    """A batch that was there already brings no second pin or pair."""
    store = Database.write(tmp_path / "x.db")
    store.begin("x", LIMITS, {}, 1.0)
    store.append("x", batch(1), 2.0)
    store.append("x", batch(1), 2.0, Beside({"p": Pin(Arm.STABLE, "u")}))
    assert store.pinned("x", "p") is None
    store.close()
