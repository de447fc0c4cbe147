"""``wolfnote canary serve``: one process, two ports, one loop. SIGTERM and Ctrl-C drain it: new requests are refused, those in
flight are finished for up to ``bounds.drain`` seconds, what was observed is written, then it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from wolfnote.canary import admin, configuration
from wolfnote.canary import store as stores
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.service import Service
from wolfnote.canary.store.taken import Taken
from wolfnote.errors import InputError

TOKEN = "WOLFNOTE_ADMIN_TOKEN"  # noqa: S105 - the variable's name
SALT = "WOLFNOTE_SALT"
BACKLOG = 2048
Pages = Callable[[Service], Any]
Ready = Callable[[str, str], None]


def serve(settings: Configuration, file: Path | None, overrides: tuple[str, ...], *, pages: Pages | None, ready: Ready) -> None:
    """Serve until told to stop. ``ready`` gets the addresses of both ports. Raises ``InputError`` and ``RunError``."""
    _many_files()
    with (
        _listening(settings.listen.host, settings.listen.port) as front,
        _listening(settings.listen.admin_host, settings.listen.admin_port) as back,
    ):
        loop = _loop()
        try:
            loop.run_until_complete(_serve(settings, file, overrides, front, back, pages, ready))
        finally:
            loop.close()


async def _serve(
    settings: Configuration, file: Path | None, overrides: tuple[str, ...], front: socket.socket, back: socket.socket,
    pages: Pages | None, ready: Ready,
) -> None:  # fmt: skip
    key = salt(settings)
    store = await stores.connect(place(settings))
    replica = secrets.token_hex(6)
    taken = None if settings.store.postgres else Taken(Path(settings.store.folder) / "taken", replica)
    try:
        service = Service(settings, store, key, taken=taken, replica=replica)
        await service.open()
        beside = asyncio.create_task(service.run(file, overrides))
        try:
            settle()
            ready(_address(front), _address(back))
            await _ports(service, front, back, pages(service) if pages else None)
        finally:
            beside.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beside
            await service.close()
    finally:
        await store.close()


async def _ports(service: Service, front: socket.socket, back: socket.socket, pages: Any) -> None:
    """Both ports, until a signal; the data port first drains."""
    settings = service.settings
    data = _server(service.gateway, timeout_graceful_shutdown=int(settings.bounds.drain) + 1)
    control = _server(admin.app(service, token(settings), pages), timeout_graceful_shutdown=2)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(data.serve([front])), asyncio.create_task(control.serve([back]))]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
    service.gateway.draining = True  # readiness says no, and kept connections are told so
    data.should_exit = True
    await asyncio.wait([tasks[0]], timeout=settings.bounds.drain + 2)
    control.should_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)
    stopped.cancel()


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs two of it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _server(app: Any, **more: Any) -> uvicorn.Server:
    # h11's limits would cut long headers late; httptools refuses what is ambiguous, and is fast
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
        date_header=False, timeout_keep_alive=75, backlog=BACKLOG, proxy_headers=False, **more,
    )  # fmt: skip
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return _Server(config)


def place(settings: Configuration) -> str:
    """Where the store is."""
    return settings.store.postgres or str(Path(settings.store.folder) / "canary.sqlite")


def token(settings: Configuration) -> str:
    """The admin's token: ``WOLFNOTE_ADMIN_TOKEN``, or one that is made for the store's folder, for its owner's eyes."""
    given = os.environ.get(TOKEN)
    return configuration.secret(TOKEN, TOKEN) if given else _kept_secret(settings, "admin.token")


def salt(settings: Configuration) -> bytes:
    """What assignment is keyed with: ``WOLFNOTE_SALT``, which replicas must share, or one that is made for the folder."""
    if os.environ.get(SALT):
        return configuration.secret(SALT, SALT).encode()
    if settings.store.postgres:
        raise InputError("replicas must share one salt", where=SALT, remedy=f"export {SALT}=$(openssl rand -hex 32)")
    return _kept_secret(settings, "salt").encode()


def _kept_secret(settings: Configuration, name: str) -> str:
    path = Path(settings.store.folder) / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            contextlib.suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new,
        ):
            new.write(secrets.token_urlsafe(32))
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be made ({error})", where=str(path), remedy="check store.folder") from None
    if len(found) < 32:
        raise InputError("too short to be a secret", where=str(path), remedy="delete it; a new one is made")
    return found


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"port {port} of {host}: {reason}", where="listen", remedy="name another port") from None
        yield listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def settle() -> None:
    """Take what was loaded out of the garbage collector's sight, and let it look less often: a request leaves no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _many_files() -> None:
    """Each client is two open files; the usual soft limit of 1024 is for programs that are not servers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 65536), hard))
