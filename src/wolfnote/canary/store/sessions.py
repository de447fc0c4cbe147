"""Connections to PostgreSQL: a small pool, one that listens, and one whose life is a leadership. All with short timeouts."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wolfnote.canary.store.store import Unreachable
from wolfnote.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import asyncpg

TIMEOUT = 2.0
"""Seconds for a statement; a lease is not longer."""
CHANNEL = "wolfnote_decided"
REMEDY = "write postgresql://USER@HOST/DATABASE"
_SERVER = {
    "application_name": "wolfnote",
    "statement_timeout": "2s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
}
"""The server cuts off a replica that stops inside a transaction, and a leader whose machine is gone."""


class Sessions:
    """Open with ``Sessions.open``."""

    def __init__(self, address: str, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.where = shown(address)
        self._address, self._pool = address, pool
        self._ear: asyncpg.Connection[asyncpg.Record] | None = None
        self._seats: dict[str, asyncpg.Connection[asyncpg.Record]] = {}
        self._decided = asyncio.Event()

    @classmethod
    async def open(cls, address: str) -> Sessions:
        """Connect. Raises ``MissingExtra``, ``InputError`` for what is no address, ``Unreachable`` when nobody answers."""
        try:
            import asyncpg
        except ModuleNotFoundError:
            raise MissingExtra("asyncpg", "postgres") from None
        if not shown(address):
            raise InputError("not an address", where="store", remedy=REMEDY)
        with told(shown(address)):
            pool = await asyncpg.create_pool(
                address, min_size=0, max_size=4, command_timeout=TIMEOUT, timeout=TIMEOUT, server_settings=_SERVER
            )
        return cls(address, pool)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of the pool, for one piece of work. Raises ``Unreachable``."""
        with told(self.where):
            async with self._pool.acquire(timeout=TIMEOUT) as connection:
                yield connection

    async def lead(self, experiment: str) -> bool:
        """Whether this process holds the advisory lock of the experiment; asked of the server at each call."""
        key = int.from_bytes(hashlib.blake2b(experiment.encode(), digest_size=8).digest(), "big", signed=True)
        try:
            with told(self.where):
                seat = self._seats.get(experiment)
                if seat is not None and not seat.is_closed():
                    await seat.fetchval("SELECT 1", timeout=TIMEOUT)
                    return True
                seat = self._seats[experiment] = await self._connected()
                if await seat.fetchval("SELECT pg_try_advisory_lock($1)", key):
                    return True
        except Unreachable:
            pass  # who cannot ask does not lead
        if left := self._seats.pop(experiment, None):
            left.terminate()
        return False

    async def decided(self, poll: float) -> None:
        """Return at the next decision that is told, or after ``poll`` seconds."""
        if self._ear is None or self._ear.is_closed():
            with contextlib.suppress(Unreachable), told(self.where):
                self._ear = await self._connected()
                await self._ear.add_listener(CHANNEL, self._hear)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._decided.wait(), poll)
        self._decided.clear()

    async def close(self) -> None:
        """Close every connection; what hangs is cut."""
        for connection in (self._ear, *self._seats.values()):
            if connection is not None:
                connection.terminate()
        try:
            await asyncio.wait_for(self._pool.close(), TIMEOUT)
        except TimeoutError:
            self._pool.terminate()

    def _hear(self, *_: Any) -> None:
        self._decided.set()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        import asyncpg

        return await asyncpg.connect(self._address, timeout=TIMEOUT, command_timeout=TIMEOUT, server_settings=_SERVER)


def shown(address: str) -> str:
    """The address without its password; of what is no address, nothing."""
    try:
        parts = urlsplit(address)
        return f"postgresql://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return ""


@contextlib.contextmanager
def told(where: str) -> Iterator[None]:
    """What PostgreSQL does not do, in one line that holds no password."""
    import asyncpg

    try:
        yield
    except asyncpg.ClientConfigurationError:
        raise InputError("not an address", where=where, remedy=REMEDY) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError from None  # a timeout that ran out at the same moment must not swallow it
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unreachable(f"{where}: {text} → until it answers nobody is exposed") from None
