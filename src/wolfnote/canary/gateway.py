"""The data port: an ASGI app that reads a request, finds its arm, and lets the proxy answer. Nothing else is served here.

POST /v1/chat/completions · /v1/completions · /v1/responses     drawn between the arms
GET  /v1/models, GET/POST/DELETE below /v1/responses/…, POST /v1/embeddings      the base's
GET  /healthz · /readyz                                         without a key, and they say nothing but their status
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import msgspec

from wolfnote.canary import asking as requests
from wolfnote.canary import headers as heads
from wolfnote.canary.asking import Asking, Refused
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import PATHS
from wolfnote.canary.exchange import Exchange, Send
from wolfnote.canary.experiment import Placed
from wolfnote.canary.keys import Key, Ring
from wolfnote.canary.metrics import Metrics
from wolfnote.canary.proxy import Proxy

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
PASSED = re.compile(
    r"/v1/(?:models(?:/[a-z0-9_][a-z0-9_.:@-]{0,127}){0,2}|embeddings|responses/[a-z0-9_-]{1,128}(?:/(?:cancel|input_items))?)",
    re.ASCII | re.IGNORECASE,
)
"""Names begin with a letter or a digit: ``..`` is none, however it is spelt."""
RESPONSE = re.compile(r"/v1/responses/([\w-]{1,128})", re.ASCII)
SWEEP = 5.0
PATIENCE = 0.2
"""Seconds until somebody looks whether a client is still there."""


class Placing(Protocol):
    """Who says which arm answers, and is told what came of it."""

    async def place(self, key: Key, headers: dict[bytes, bytes], asking: Asking) -> Placed:
        """The arm."""
        ...

    async def arm_of(self, key: Key, response: str) -> Arm:
        """Who made a stored response."""
        ...

    def over(self, exchange: Exchange) -> None:
        """The request is over, however it ended."""
        ...


class Gateway:
    """The app. ``going`` are the requests in flight; ``draining`` refuses new ones."""

    def __init__(self, settings: Configuration, proxy: Proxy, placing: Placing, ring: Ring, metrics: Metrics) -> None:
        self.settings, self._proxy, self._placing, self.ring, self._metrics = settings, proxy, placing, ring, metrics
        self.going: set[Exchange] = set()
        self.draining = False
        self.ready: Callable[[], bool] = lambda: True
        self.on_over: Callable[[Exchange], None] = lambda exchange: None
        self._bodies = 0
        self._prefix = secrets.token_hex(6)
        self._number = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        self._number += 1
        exchange = Exchange(
            f"{self._prefix}{self._number:08x}", scope["path"], scope["query_string"], scope["headers"], send,
            self.settings.bounds.reply,
        )  # fmt: skip
        if exchange.path in ("/healthz", "/readyz"):
            well = exchange.path == "/healthz" or (self.ready() and not self.draining)
            await exchange.refuse(200 if well else 503, b'{"ok":true}' if well else b'{"ok":false}')
            return
        self.going.add(exchange)
        try:
            await self._guarded(scope["method"], exchange, receive)
        finally:
            self.going.discard(exchange)
            self._bodies -= exchange.body_bytes
            self._metrics.over(exchange)
            self._placing.over(exchange)
            self.on_over(exchange)

    async def _guarded(self, method: str, exchange: Exchange, receive: Receive) -> None:
        """Answer, or refuse; give up when the client has gone."""
        try:
            await self._entered(method, exchange, receive)
        except Refused as refused:
            if exchange.begun:
                return
            wait = [(b"retry-after", str(max(1, round(refused.retry_after))).encode())] if refused.retry_after else []
            await exchange.refuse(refused.status, refused.body, *wait)
        except asyncio.CancelledError:
            if not exchange.gone:
                raise
            if exchange.task is not None:  # it was us who cancelled it, because nobody listens any more
                exchange.task.uncancel()

    async def _entered(self, method: str, exchange: Exchange, receive: Receive) -> None:
        headers = heads.check(exchange.headers)
        exchange.key = self.ring.enter(headers)  # before anything is read or said
        try:
            self._admit(method, exchange, headers)
            body = await self._body(exchange, headers, receive)
            watch = _Watch(exchange, receive)
            try:
                await self._answer(method, exchange, headers, body)
            finally:
                watch.end()
        finally:
            self.ring.leave(exchange.key)

    def _admit(self, method: str, exchange: Exchange, headers: dict[bytes, bytes]) -> None:
        """Raise ``Refused`` for what is not served, too much, or at the wrong time."""
        if exchange.path in PATHS:
            if method != "POST":
                raise Refused(405, "POST, please", "method_not_allowed")
        elif not PASSED.fullmatch(exchange.path) or method not in ("GET", "POST", "DELETE"):
            raise Refused(404, "nothing is served here", "not_found")
        if not exchange.query.isascii() or b"#" in exchange.query:
            raise Refused(400, "not a query", "invalid_query")
        if self.draining:
            raise Refused(503, "stopping", "draining", retry_after=1)
        if len(self.going) > self.settings.bounds.at_once:
            raise Refused(503, "too many requests at once", "overloaded", retry_after=1)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.settings.bounds.body:
            raise Refused(413, f"more than {self.settings.bounds.body} bytes", "too_large")

    async def _body(self, exchange: Exchange, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        pieces = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                exchange.gone = True
                raise Refused(400, "gone", "gone")
            piece = message.get("body", b"")
            exchange.moved = time.monotonic()
            exchange.body_bytes += len(piece)
            self._bodies += len(piece)
            if exchange.body_bytes > self.settings.bounds.body:
                raise Refused(413, f"more than {self.settings.bounds.body} bytes", "too_large")
            if self._bodies > self.settings.bounds.bodies:
                raise Refused(503, "too much at once", "overloaded", retry_after=1)
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces) if len(pieces) > 1 else piece

    async def _answer(self, method: str, exchange: Exchange, headers: dict[bytes, bytes], body: bytes) -> None:
        endpoint = PATHS.get(exchange.path)
        public = self.settings.listen.model
        if endpoint is None:
            if exchange.path == "/v1/models" and public:
                await exchange.refuse(200, _listing(public))
                return
            made = RESPONSE.match(exchange.path)
            arm = await self._placing.arm_of(exchange.key, made[1]) if made else Arm.STABLE
            await self._proxy.pass_on(exchange, arm, method, body or None)
            return
        asking = requests.read(endpoint, body)
        if public and asking.fields.model != public:
            raise Refused(404, f"no such model; there is {public}", "model_not_found")
        exchange.asking = asking
        exchange.placed = placed = await self._placing.place(exchange.key, headers, asking)
        await self._proxy.answer(exchange, asking, placed)

    async def sweep(self) -> None:
        """End what has not moved for ``bounds.stalled`` seconds: readers that do not read, writers that do not write."""
        while True:
            await asyncio.sleep(min(SWEEP, self.settings.bounds.stalled / 4))
            oldest = time.monotonic() - self.settings.bounds.stalled
            for exchange in [one for one in self.going if one.moved < oldest]:
                exchange.fault = exchange.fault or "stalled"
                _give_up(exchange)


class _Watch:
    """Waits for the client to go, from ``PATIENCE`` on: most requests are over before, and need no task for it."""

    def __init__(self, exchange: Exchange, receive: Receive) -> None:
        self._exchange, self._receive = exchange, receive
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._begin)

    def end(self) -> None:
        """The request is over."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":  # a server tells nobody who does not ask
            pass
        if not self._exchange.ended:
            _give_up(self._exchange)


def _give_up(exchange: Exchange) -> None:
    exchange.gone = True
    if exchange.task is not None:
        exchange.task.cancel()


def _listing(model: str) -> bytes:
    return msgspec.json.encode(
        {"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": "wolfnote"}]}
    )
