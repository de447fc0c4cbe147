"""The SQLite file: one connection, one thread, every write a transaction.

WAL, so that ``wolfnote canary status`` can read beside it. NORMAL sync for what is observed (a kill loses nothing, a power cut
the last moments), FULL for decisions. SQLite before 3.51.3 can lose a WAL when two connections write or checkpoint: only this
one ever does, a second process is refused by a lock, and readers are opened read-only.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from wolfnote.canary import folding
from wolfnote.canary.assignment import Arm, Pin
from wolfnote.canary.controller import State, follows
from wolfnote.canary.evidence import Seen, Watch
from wolfnote.canary.folding import Snapshot
from wolfnote.canary.log import Batch, Begun, Body, Decided, Entry, Head, Noted, seal
from wolfnote.canary.settings import Limits
from wolfnote.canary.store.schema import FORGET, SQLITE
from wolfnote.canary.store.store import NOTHING, Beside, Kept, Rule, Unreachable
from wolfnote.errors import InputError, RunError

PAGE = 1000
"""So many rows at once."""


class Database:
    """Experiments in one file. Not to be shared between threads. Make one with ``write`` or ``read``."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: IO[str] | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock

    @classmethod
    def write(cls, path: Path) -> Database:
        """Open or make the file and keep other writers out. Raises ``RunError`` when one is in, ``InputError`` for no place."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.with_name(f"{path.name}.lock").open("w")
        except OSError as error:
            raise InputError(f"cannot be made ({error.strerror})", where=str(path), remedy="choose another store") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise RunError(f"{path} is in use by another gateway: ask that one, or use postgresql:// for several") from None
        try:
            return cls(path, _made(path), lock)
        except BaseException:
            lock.close()
            raise

    @classmethod
    def read(cls, path: Path) -> Database:
        """Open an existing file beside its gateway, for reading only. Raises ``InputError`` where there is none."""
        if not path.is_file():
            raise InputError("no such store", where=str(path), remedy="give the path that 'canary serve' was given")
        return cls(path, _connected(path, "ro"), None)

    def close(self) -> None:
        """Close the file and let others in."""
        self._connection.close()
        if self._lock:
            self._lock.close()

    def begin(self, experiment: str, limits: Limits, facts: dict[str, str], at: float) -> Snapshot:
        """``Store.begin``."""
        with self._transaction():
            known = self._one("SELECT 1 FROM experiments WHERE name = ?", experiment)
            if not known:
                state = State(experiment, at=at)
                values = (experiment, at, _encode(state), _encode(limits), _encode(Watch()), 0, Head().hash)
                self._connection.execute("INSERT INTO experiments VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                self._log(experiment, Head(), at, Begun(limits, facts))
        return self.snapshot(experiment)

    def experiments(self) -> list[str]:
        """``Store.experiments``."""
        return [row[0] for row in self._all("SELECT name FROM experiments ORDER BY begun, name")]

    def state(self, experiment: str) -> State:
        """``Store.state``."""
        return self._uncounted(experiment).state

    def snapshot(self, experiment: str) -> Snapshot:
        """``Store.snapshot``."""
        with self._together():
            found = self._uncounted(experiment)
            counts = self._all("SELECT name, SUM(value) FROM counters WHERE experiment = ? GROUP BY name", experiment)
        return msgspec.structs.replace(found, counts=dict(counts))

    def append(self, experiment: str, batch: Batch, at: float, beside: Beside = NOTHING) -> bool:
        """``Store.append``."""
        with self._transaction():
            if batch.number <= self.last_batch(experiment, batch.replica):
                return False
            snapshot = self._uncounted(experiment)
            known = self._seen(experiment, folding.units(batch))
            folded = folding.fold(batch, snapshot, known)
            self._log(experiment, snapshot.head, at, batch)
            self._remember(experiment, batch, folded)
            self._put(experiment, at, beside)
        return True

    def note(self, experiment: str, noted: Noted, at: float) -> None:
        """``Store.note``."""
        with self._transaction():
            self._log(experiment, self._uncounted(experiment).head, at, noted)

    def decide(self, experiment: str, rule: Rule, at: float) -> Snapshot:
        """``Store.decide``."""
        with self._transaction(sync="FULL"):
            snapshot = self.snapshot(experiment)
            state = rule(snapshot)
            if state is None:
                return snapshot
            if not follows(snapshot.state, state):
                raise RunError(f"{experiment}: {state.stage} ({state.share:g}) may not follow {snapshot.state.stage}")
            self._log(experiment, snapshot.head, at, Decided(state, snapshot.evidence))
            self._connection.execute("UPDATE experiments SET state = ? WHERE name = ?", (_encode(state), experiment))
        return self.snapshot(experiment)

    def entries(self, experiment: str, after: int) -> list[Entry]:
        """At most ``PAGE`` entries after number ``after``."""
        sql = (
            "SELECT experiment, number, at, body, previous, hash FROM log WHERE experiment = ? AND number > ? "
            "ORDER BY number LIMIT ?"
        )
        return [Entry(*row) for row in self._all(sql, experiment, after, PAGE)]

    def by_replica(self, experiment: str) -> dict[str, dict[str, int]]:
        """``Store.by_replica``."""
        found: dict[str, dict[str, int]] = {}
        for replica, name, value in self._all("SELECT replica, name, value FROM counters WHERE experiment = ?", experiment):
            found.setdefault(replica, {})[name] = value
        return found

    def last_batch(self, experiment: str, replica: str) -> int:
        """``Store.last_batch``."""
        row = self._one("SELECT last FROM batches WHERE experiment = ? AND replica = ?", experiment, replica)
        return row[0] if row else 0

    def pinned(self, experiment: str, name: str) -> Pin | None:
        """``Store.pinned``."""
        row = self._one("SELECT arm, unit FROM pins WHERE experiment = ? AND name = ?", experiment, name)
        return Pin(Arm(row[0]), row[1]) if row else None

    def kept(self, experiment: str, limit: int, *, flagged: bool) -> list[Kept]:
        """``Store.kept``."""
        sql = "SELECT unit, at, flagged, body FROM kept WHERE experiment = ? AND flagged >= ? ORDER BY number DESC LIMIT ?"
        return [Kept(unit, at, bool(flag), body) for unit, at, flag, body in self._all(sql, experiment, int(flagged), limit)]

    def forget(self, experiment: str, before: float) -> int:
        """A part of ``Store.forget``: call it until it returns 0."""
        gone = 0
        with self._transaction():
            for sql in FORGET.values():
                gone += self._connection.execute(sql.format("", "?"), (experiment, before, PAGE)).rowcount
        return gone

    def _uncounted(self, experiment: str) -> Snapshot:
        """The snapshot without its counts."""
        row = self._one("SELECT state, limits, watch, number, hash FROM experiments WHERE name = ?", experiment)
        if row is None:
            raise InputError(f"no experiment {experiment!r}", where=str(self.path), remedy="begin it with 'canary serve'")
        return folding.decoded(*row)

    def _seen(self, experiment: str, units: Sequence[str]) -> dict[str, Seen]:
        found = {}
        for unit in units:
            row = self._one("SELECT seen FROM units WHERE experiment = ? AND unit = ?", experiment, unit)
            if row:
                found[unit] = msgspec.json.decode(row[0], type=Seen)
        return found

    def _remember(self, experiment: str, batch: Batch, folded: folding.Folded) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        rows = [(experiment, batch.replica, name, value) for name, value in folded.add.items()]
        many(
            "INSERT INTO counters VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            rows,
        )
        seen = [(experiment, unit, _encode(what)) for unit, what in folded.seen.items()]
        many("INSERT INTO units VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen", seen)
        execute(
            "INSERT INTO batches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
            (experiment, batch.replica, batch.number),
        )
        execute("UPDATE experiments SET watch = ? WHERE name = ?", (_encode(folded.watch), experiment))

    def _put(self, experiment: str, at: float, beside: Beside) -> None:
        pins = [(experiment, name, pin.arm, pin.unit, at) for name, pin in beside.pins.items()]
        self._connection.executemany(
            "INSERT INTO pins VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, "
            "arm = CASE WHEN arm = 'stable' THEN arm ELSE excluded.arm END",
            pins,
        )
        kept = [(experiment, pair.unit, pair.at, int(pair.flagged), pair.body) for pair in beside.kept]
        self._connection.executemany("INSERT INTO kept (experiment, unit, at, flagged, body) VALUES (?, ?, ?, ?, ?)", kept)

    def _log(self, experiment: str, head: Head, at: float, body: Body) -> None:
        entry = seal(experiment, head, at, body)
        values = (experiment, entry.number, entry.at, entry.body, entry.previous, entry.hash)
        self._connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", values)
        moved = (entry.number, entry.hash, experiment)
        self._connection.execute("UPDATE experiments SET number = ?, hash = ? WHERE name = ?", moved)

    @contextmanager
    def _transaction(self, sync: str = "NORMAL") -> Iterator[None]:
        with _told(self.path):
            self._connection.execute(f"PRAGMA synchronous={sync}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Reads of one moment, also beside a gateway that writes."""
        if self._connection.in_transaction:
            yield
            return
        with _told(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        with _told(self.path):
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return row

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with _told(self.path):
            return self._connection.execute(sql, values).fetchall()


def _made(path: Path) -> sqlite3.Connection:
    connection = _connected(path, "rwc")
    try:
        with _told(path):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(SQLITE)
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    with _told(path):
        place = f"{path.resolve().as_uri()}?mode={mode}"
        return sqlite3.connect(place, uri=True, isolation_level=None, timeout=2.0, check_same_thread=False)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What SQLite cannot do, in one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise Unreachable(f"{path}: {error} → free the disk or repair the store; until then nobody is exposed") from None


_encode = msgspec.json.Encoder(order="sorted").encode
