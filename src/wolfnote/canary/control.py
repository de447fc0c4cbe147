"""A person's word to a gateway: by its admin port, or where no gateway runs, straight into the store.

A kill must work whatever is broken: the store is what every replica obeys, so whoever can write to it can stop them all.
"""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.canary import admin, running
from wolfnote.canary import store as stores
from wolfnote.canary.admin import Order
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.controller import State
from wolfnote.canary.service import named
from wolfnote.errors import InputError, RunError

PATIENCE = 10.0


class Unserved(RunError):
    """No gateway listens on the admin port."""


def ask(settings: Configuration, path: str, order: Order | None = None) -> Any:
    """What the admin port answers. Raises ``Unserved``; ``InputError`` for what it refuses; ``RunError`` for all else."""
    host = settings.listen.admin_host
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(shown, settings.listen.admin_port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {running.token(settings)}", "Content-Type": "application/json"}
    try:
        body = msgspec.json.encode(order) if order else None
        connection.request("POST" if order else "GET", path, body, headers)
        response = connection.getresponse()
        status, data = response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        where = f"{shown}:{settings.listen.admin_port}"
        kind = Unserved if isinstance(error, ConnectionRefusedError | socket.gaierror) else RunError
        raise kind(f"no gateway answers at {where} ({error}): is it running, with this --config?") from None
    finally:
        connection.close()
    return _read(status, data)


async def act(settings: Configuration, what: str, order: Order) -> State:
    """A decision written into the store itself. Raises ``InputError`` when it may not be, ``RunError`` when it cannot be."""
    store = await stores.connect(running.place(settings))
    try:
        decided = await store.decide(named(settings), admin.rule(settings, what, order), time.time())
        return decided.state
    finally:
        await store.close()


def exists(settings: Configuration) -> None:
    """Raise ``InputError`` when there is no store to write into: a file would be made, and nobody would ever read it."""
    place = running.place(settings)
    if not settings.store.postgres and not Path(place).exists():
        raise InputError("no experiment here", where=place, remedy="give the --config that the gateway was started with")


def _read(status: int, data: bytes) -> Any:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RunError(f"what answers there is no gateway (status {status})") from None
    if status == 200:
        return found
    said = found if isinstance(found, dict) else {}
    message = str(said.get("error", f"status {status}"))
    if status in (400, 401, 409):
        raise InputError(message, where="canary", remedy=str(said.get("remedy", "check the token and the command")))
    raise RunError(message)
