"""``Store`` in PostgreSQL, for any number of replicas.

The experiment's row is the lock: who appends or decides holds it for one short transaction, so that the log has one order and
each decision sees all that came before it. A replica that stops in the middle is cut off by the server after two seconds. A
decision is told by NOTIFY; whoever misses it polls. PostgreSQL 14 or newer, connected to directly: a pooler that hands out
another session for each transaction would take leadership and NOTIFY away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from wolfnote.canary import folding
from wolfnote.canary.assignment import Arm, Pin
from wolfnote.canary.controller import State, follows
from wolfnote.canary.evidence import Seen, Watch
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Begun, Body, Decided, Entry, Head, Noted, seal
from wolfnote.canary.settings import Limits
from wolfnote.canary.store.schema import FORGET, POSTGRES
from wolfnote.canary.store.sessions import CHANNEL, Sessions
from wolfnote.canary.store.store import NOTHING, Beside, Kept, Rule
from wolfnote.errors import InputError, RunError

if TYPE_CHECKING:
    import asyncpg

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

PAGE = 1000
"""So many rows at once."""
_MAKING = 7022011
"""The advisory lock under which the tables are made: replicas begin at the same moment."""


class PostgresStore:
    """See ``Store``. Make one with ``PostgresStore.open``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @classmethod
    async def open(cls, address: str) -> PostgresStore:
        """Connect and make the tables (in the schema ``wolfnote``). Raises as ``Sessions.open`` does."""
        sessions = await Sessions.open(address)
        try:
            async with sessions.session() as session, session.transaction():
                await session.execute("SELECT pg_advisory_xact_lock($1)", _MAKING)
                await session.execute(POSTGRES)
        except BaseException:
            await sessions.close()
            raise
        return cls(sessions)

    async def begin(self, experiment: str, limits: Limits, facts: dict[str, str], at: float) -> Snapshot:
        """``Store.begin``."""
        async with self._sessions.session() as session, session.transaction():
            sql = "INSERT INTO wolfnote.experiments VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT DO NOTHING RETURNING name"
            values = (_encode(State(experiment, at=at)), _encode(limits), _encode(Watch()), Head().hash)
            if await session.fetchval(sql, experiment, at, *values):
                await _log(session, experiment, Head(), at, Begun(limits, facts))
        return await self.snapshot(experiment)

    async def experiments(self) -> list[str]:
        """``Store.experiments``."""
        async with self._sessions.session() as session:
            return [row[0] for row in await session.fetch("SELECT name FROM wolfnote.experiments ORDER BY begun, name")]

    async def state(self, experiment: str) -> State:
        """``Store.state``."""
        async with self._sessions.session() as session:
            return (await self._uncounted(session, experiment)).state

    async def snapshot(self, experiment: str) -> Snapshot:
        """``Store.snapshot``."""
        async with self._sessions.session() as session, session.transaction(isolation="repeatable_read", readonly=True):
            return await self._counted(session, await self._uncounted(session, experiment))

    async def append(self, experiment: str, batch: Batch, at: float, beside: Beside = NOTHING) -> bool:
        """``Store.append``."""
        async with self._sessions.session() as session, session.transaction():
            snapshot = await self._uncounted(session, experiment, lock=True)
            if batch.number <= await _last(session, experiment, batch.replica):
                return False
            known = await _seen(session, experiment, folding.units(batch))
            folded = folding.fold(batch, snapshot, known)
            await _log(session, experiment, snapshot.head, at, batch)
            await _remember(session, experiment, batch, folded)
            await _put(session, experiment, at, beside)
        return True

    async def note(self, experiment: str, noted: Noted, at: float) -> None:
        """``Store.note``."""
        async with self._sessions.session() as session, session.transaction():
            snapshot = await self._uncounted(session, experiment, lock=True)
            await _log(session, experiment, snapshot.head, at, noted)

    async def decide(self, experiment: str, rule: Rule, at: float) -> Snapshot:
        """``Store.decide``."""
        async with self._sessions.session() as session, session.transaction():
            snapshot = await self._counted(session, await self._uncounted(session, experiment, lock=True))
            state = rule(snapshot)
            if state is None:
                return snapshot
            if not follows(snapshot.state, state):
                raise RunError(f"{experiment}: {state.stage} ({state.share:g}) may not follow {snapshot.state.stage}")
            head = await _log(session, experiment, snapshot.head, at, Decided(state, snapshot.evidence))
            await session.execute("UPDATE wolfnote.experiments SET state = $2 WHERE name = $1", experiment, _encode(state))
            await session.execute("SELECT pg_notify($1, '')", CHANNEL)
        return msgspec.structs.replace(snapshot, state=state, head=head)

    async def entries(self, experiment: str, after: int = 0) -> AsyncIterator[Entry]:
        """``Store.entries``."""
        while page := await self._page(experiment, after):
            for entry in page:
                yield entry
            after = page[-1].number

    async def by_replica(self, experiment: str) -> dict[str, dict[str, int]]:
        """``Store.by_replica``."""
        async with self._sessions.session() as session:
            rows = await session.fetch("SELECT replica, name, value FROM wolfnote.counters WHERE experiment = $1", experiment)
        found: dict[str, dict[str, int]] = {}
        for replica, name, value in rows:
            found.setdefault(replica, {})[name] = value
        return found

    async def last_batch(self, experiment: str, replica: str) -> int:
        """``Store.last_batch``."""
        async with self._sessions.session() as session:
            return await _last(session, experiment, replica)

    async def pinned(self, experiment: str, name: str) -> Pin | None:
        """``Store.pinned``."""
        async with self._sessions.session() as session:
            sql = "SELECT arm, unit FROM wolfnote.pins WHERE experiment = $1 AND name = $2"
            row = await session.fetchrow(sql, experiment, name)
        return Pin(Arm(row[0]), row[1]) if row else None

    async def kept(self, experiment: str, limit: int = 50, *, flagged: bool = False) -> list[Kept]:
        """``Store.kept``."""
        sql = (
            "SELECT unit, at, flagged, body FROM wolfnote.kept WHERE experiment = $1 AND flagged >= $2 "
            "ORDER BY number DESC LIMIT $3"
        )
        async with self._sessions.session() as session:
            return [Kept(*row) for row in await session.fetch(sql, experiment, flagged, limit)]

    async def forget(self, experiment: str, before: float) -> int:
        """``Store.forget``."""
        total = 0
        for sql in FORGET.values():
            gone = PAGE
            while gone == PAGE:
                async with self._sessions.session() as session:
                    told = await session.execute(sql.format("wolfnote.", "$"), experiment, before, PAGE)
                gone = int(told.rsplit(" ", 1)[-1])
                total += gone
        return total

    async def lead(self, experiment: str, replica: str) -> bool:
        """``Store.lead``: by an advisory lock that the server gives back when this connection ends."""
        return await self._sessions.lead(experiment)

    async def changes(self, experiment: str, poll: float) -> AsyncIterator[None]:
        """``Store.changes``: of any experiment; who wakes reads the state."""
        while True:
            yield
            await self._sessions.decided(poll)

    async def close(self) -> None:
        """``Store.close``."""
        await self._sessions.close()

    async def _page(self, experiment: str, after: int) -> list[Entry]:
        sql = (
            "SELECT experiment, number, at, body, previous, hash FROM wolfnote.log "
            "WHERE experiment = $1 AND number > $2 ORDER BY number LIMIT $3"
        )
        async with self._sessions.session() as session:
            return [Entry(*row) for row in await session.fetch(sql, experiment, after, PAGE)]

    async def _uncounted(self, session: Session, experiment: str, *, lock: bool = False) -> Snapshot:
        """The snapshot without its counts; ``lock``: and nobody else writes until the transaction ends."""
        sql = "SELECT state, limits, watch, number, hash FROM wolfnote.experiments WHERE name = $1"
        row = await session.fetchrow(sql + (" FOR UPDATE" if lock else ""), experiment)
        if row is None:
            where = self._sessions.where
            raise InputError(f"no experiment {experiment!r}", where=where, remedy="begin it with 'canary serve'")
        return folding.decoded(*row)

    async def _counted(self, session: Session, snapshot: Snapshot) -> Snapshot:
        sql = "SELECT name, SUM(value)::bigint FROM wolfnote.counters WHERE experiment = $1 GROUP BY name"
        rows = await session.fetch(sql, snapshot.state.experiment)
        return msgspec.structs.replace(snapshot, counts=dict(rows))


async def _last(session: Session, experiment: str, replica: str) -> int:
    sql = "SELECT last FROM wolfnote.batches WHERE experiment = $1 AND replica = $2"
    return int(await session.fetchval(sql, experiment, replica) or 0)


async def _seen(session: Session, experiment: str, units: list[str]) -> dict[str, Seen]:
    sql = "SELECT unit, seen FROM wolfnote.units WHERE experiment = $1 AND unit = ANY($2::text[])"
    rows = await session.fetch(sql, experiment, units) if units else []
    return {unit: msgspec.json.decode(seen, type=Seen) for unit, seen in rows}


async def _remember(session: Session, experiment: str, batch: Batch, folded: folding.Folded) -> None:
    await session.execute(
        "INSERT INTO wolfnote.counters SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[]) ON CONFLICT "
        "(experiment, replica, name) DO UPDATE SET value = wolfnote.counters.value + excluded.value",
        *(experiment, batch.replica, list(folded.add), list(folded.add.values())),
    )
    await session.execute(
        "INSERT INTO wolfnote.units SELECT $1, * FROM unnest($2::text[], $3::bytea[]) ON CONFLICT (experiment, unit) "
        "DO UPDATE SET seen = excluded.seen",
        *(experiment, list(folded.seen), [_encode(seen) for seen in folded.seen.values()]),
    )
    await session.execute(
        "INSERT INTO wolfnote.batches VALUES ($1, $2, $3) ON CONFLICT (experiment, replica) DO UPDATE SET last = excluded.last",
        *(experiment, batch.replica, batch.number),
    )
    await session.execute("UPDATE wolfnote.experiments SET watch = $2 WHERE name = $1", experiment, _encode(folded.watch))


async def _put(session: Session, experiment: str, at: float, beside: Beside) -> None:
    if beside.pins:
        arms = [(name, str(pin.arm), pin.unit) for name, pin in beside.pins.items()]
        await session.execute(
            "INSERT INTO wolfnote.pins SELECT $1, *, $5::float8 FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT "
            "(experiment, name) DO UPDATE SET at = excluded.at, "
            "arm = CASE WHEN wolfnote.pins.arm = 'stable' THEN wolfnote.pins.arm ELSE excluded.arm END",
            *(experiment, *(list(column) for column in zip(*arms, strict=True)), at),
        )
    sql = "INSERT INTO wolfnote.kept (experiment, unit, at, flagged, body) VALUES ($1, $2, $3, $4, $5)"
    if beside.kept:
        await session.executemany(sql, [(experiment, k.unit, k.at, k.flagged, k.body) for k in beside.kept])


async def _log(session: Session, experiment: str, head: Head, at: float, body: Body) -> Head:
    entry = seal(experiment, head, at, body)
    values = (experiment, entry.number, entry.at, entry.body, entry.previous, entry.hash)
    await session.execute("INSERT INTO wolfnote.log VALUES ($1, $2, $3, $4, $5, $6)", *values)
    sql = "UPDATE wolfnote.experiments SET number = $2, hash = $3 WHERE name = $1"
    await session.execute(sql, experiment, entry.number, entry.hash)
    return Head(entry.number, entry.hash)


_encode = msgspec.json.Encoder(order="sorted").encode
