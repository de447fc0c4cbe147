"""One server a run, on this machine: its links, its port, its end."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from wolfnote.errors import InputError
from wolfnote.web import access
from wolfnote.web.access import Key

LOOPBACK = "127.0.0.1"


def link(key: Key, name: str, host: str = LOOPBACK) -> str:
    """The address that lets ``name`` in."""
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - asked for
    return f"http://{shown}:{key.port}/?token={key.token(name)}"


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether this process may serve the folder: False while another one does."""
    with (folder / ".web.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


@contextlib.contextmanager
def opened(folder: Path, host: str, port: int) -> Iterator[tuple[socket.socket, Key]]:
    """A listening socket and the key of the folder. ``port`` 0 = the one that the folder's links name, or a free one at first:
    a browser keeps unsent answers by address, so the address must outlive the server.

    Raises ``InputError`` when the port is taken or the host is not this machine's.
    """
    kept = (folder / access.FILE).exists()
    wanted = port or (access.key(folder, 0).port if kept else 0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only where the protocol is named
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, wanted))
            listening.listen()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "no such port"
            raise InputError(f"port {wanted} of {host}: {reason}", where="--port", remedy="name another --port") from None
        key = access.key(folder, listening.getsockname()[1])
        if key.port != listening.getsockname()[1]:
            key = access.moved(folder, key, listening.getsockname()[1])
        yield listening, key


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until Ctrl-C, which comes out as ``KeyboardInterrupt`` when every answer is sent."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=2,
        http="h11",
        loop="asyncio",  # whatever else is installed: httptools refuses odd cookies before we can
    )  # no access log: the links carry tokens
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    uvicorn.Server(config).run(sockets=[listening])
