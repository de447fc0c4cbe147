"""One request in flight: what was asked, who answers, what was said so far, and the client's side of the connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from wolfnote.canary.asking import Asking
from wolfnote.canary.assignment import Arm
from wolfnote.canary.dialect import UNREAD, Said
from wolfnote.canary.experiment import Placed
from wolfnote.canary.headers import Raw
from wolfnote.canary.keys import NOBODY, Key

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Exchange:
    """What is known of a request. ``begun``: the client has been sent something, so no other model can answer any more."""

    __slots__ = (
        "answered_by", "asking", "begun", "body_bytes", "ended", "fallback", "fault", "first", "gone", "headers", "id", "kept",
        "key", "moved", "path", "placed", "query", "room", "said", "send", "started", "status", "streamed", "task",
    )  # fmt: skip

    def __init__(self, number: str, path: str, query: bytes, headers: Raw, send: Send, room: int) -> None:
        self.id, self.path, self.query, self.headers, self.send, self.room = number, path, query, headers, send, room
        self.task: asyncio.Task[Any] | None = asyncio.current_task()
        self.started = self.moved = time.monotonic()
        self.first = 0.0
        self.key: Key = NOBODY
        self.asking: Asking | None = None
        self.placed: Placed | None = None
        self.answered_by = Arm.STABLE
        self.status = self.body_bytes = 0
        self.begun = self.ended = self.gone = self.streamed = False
        self.fallback = self.fault = ""
        self.kept: list[bytes] | None = None
        self.said: dict[Arm, Said] = {}

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head."""
        self.begun, self.status = True, status
        self.first = time.monotonic()
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body. Waits while the client does not read."""
        await self.send({"type": "http.response.body", "body": data, "more_body": True})
        self.moved = time.monotonic()

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece."""
        self.ended = True
        await self.send({"type": "http.response.body", "body": data})

    async def refuse(self, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
        """Answer with an error of ours."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [(b"content-type", b"application/json"), length, *more])
        await self.end(body)

    def keep(self, data: bytes) -> None:
        """Copy what is relayed for the judges, up to ``room`` bytes; beyond, nothing is kept at all and the reply is unread."""
        if self.kept is not None:
            self.room -= len(data)
            if self.room < 0:
                self.kept = None
            else:
                self.kept.append(data)

    def hear(self, arm: Arm, said: Said | None) -> None:
        """Remember what an arm said; None = it failed, which is an answer that nobody could read."""
        self.said[arm] = UNREAD if said is None else said
