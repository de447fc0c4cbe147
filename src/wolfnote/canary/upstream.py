"""A model's server, asked. Only the configured address is ever called: nothing in a request can name another."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from wolfnote.canary import configuration
from wolfnote.canary.configuration import Server

FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What can go wrong on the way. ``ValueError``: a header that aiohttp refuses to send."""
STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
"""A kept connection that was closed meanwhile: nothing was answered, so it may be asked again."""
TRIES = 3
KEPT = 4.0
"""Seconds that an idle connection is kept: uvicorn, and with it vLLM, closes its own after 5."""
BUFFER = 1 << 16
"""Bytes read ahead of a slow reader."""
PIECE = 1 << 18
"""Bytes of a body above which it is sent in pieces, so that others get a turn."""


class Upstream:
    """One server, over kept connections. ``open`` before use, within the loop."""

    def __init__(self, name: str, settings: Server, *, at_once: int = 0) -> None:
        self.name, self.settings = name, settings
        self._at_once = at_once
        self._root = settings.url.rstrip("/")
        key = configuration.secret(f"{name}.key_env", settings.key_env)
        own = {"authorization": f"Bearer {key}"} if key else {}
        self.own = tuple((own | {k.lower(): v for k, v in settings.headers.items()}).items())
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make ready."""
        # no cookies, no redirects, no proxies from the environment: what is asked is what was configured
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._at_once, keepalive_timeout=KEPT, ttl_dns_cache=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.settings.connect, sock_read=self.settings.idle),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=BUFFER,
            trust_env=False,
        )

    async def close(self) -> None:
        """Let all connections go."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, path: str, headers: Iterable[tuple[str, str]], body: bytes | None, *, method: str = "POST"
    ) -> aiohttp.ClientResponse:
        """Send a request; its answer's head. Raises one of ``FAULTS``. The caller closes what it gets.

        What goes out on a kept connection that had died meanwhile is sent again: nothing was answered yet."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(*STALE):
                return await self._send(path, headers, body, method)
        return await self._send(path, headers, body, method)

    async def _send(
        self, path: str, headers: Iterable[tuple[str, str]], body: bytes | None, method: str
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("ask before open")
        url = URL(self._root + path.removeprefix("/v1"), encoded=True)
        data = io.BytesIO(body) if body and len(body) > PIECE else body
        return await self._session.request(method, url, headers=list(headers), data=data, allow_redirects=False)

    @asynccontextmanager
    async def asked(self, path: str, headers: Iterable[tuple[str, str]], body: bytes) -> AsyncIterator[Any]:
        """The same, closed at the end: the connection is kept only if the answer was read whole."""
        response = await self.ask(path, headers, body)
        try:
            yield response
        finally:
            response.close()
