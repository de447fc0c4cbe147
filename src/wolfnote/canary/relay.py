"""From an upstream to a client: bytes as they came, cut only where events end.

``gather`` and ``Blocks`` read; ``begin`` says whether a stream is worth committing to; ``Hold`` keeps it back for a verdict.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from wolfnote.canary import dialect, sse
from wolfnote.canary.dialect import Endpoint, Said
from wolfnote.canary.sse import Framer

if TYPE_CHECKING:
    from aiohttp import ClientResponse

Verdict = Callable[[Said], Awaitable[bool]]
"""Whether an answer may go out: judged, and not flagged."""


class Unfit(Exception):
    """The canary's answer is not to be given; the message is the reason, as metrics count it."""


class Cut(Exception):
    """A stream ended before its end."""


def streams(response: ClientResponse) -> bool:
    """Whether the answer is an event stream."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"


def readable(response: ClientResponse) -> bool:
    """Whether it came as it was asked for: uncompressed."""
    return response.headers.get("content-encoding", "identity").lower() == "identity"


async def gather(response: ClientResponse, most: int) -> tuple[bytes, bool]:
    """A body up to some ``most`` bytes, and whether that is all of it."""
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return b"".join(pieces), False
    return b"".join(pieces), True


class Blocks:
    """An answer as whole events. After the last one, ``Cut`` is raised unless the stream said that nothing follows."""

    def __init__(self, response: ClientResponse, endpoint: Endpoint) -> None:
        self._response, self._endpoint = response, endpoint
        self._framer, self._last = Framer(), b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.content.iter_any():
            whole = self._framer.feed(piece)
            if whole:
                self._last = whole
                yield whole
        rest = self._framer.rest
        if rest and dialect.finished(self._endpoint, rest + b"\n\n"):  # its last empty line is missing
            yield rest
        elif not dialect.finished(self._endpoint, self._last):
            raise Cut("the stream ended before its end")
        elif rest:
            yield rest


async def begin(endpoint: Endpoint, blocks: AsyncIterator[bytes]) -> bytes:
    """The events up to the first that carries content. Raises ``Unfit`` if there is none, or something else comes first."""
    head = []
    async for block in blocks:
        head.append(block)
        for event in sse.events(block):
            kind = dialect.kind(endpoint, event)
            if kind in ("error", "garbage"):
                raise Unfit(f"{kind} event")
            if kind != "preamble":
                return b"".join(head)
    raise Unfit("empty stream")


class Hold:
    """Keeps a stream back until a verdict: its first events (``tokens``), or with ``tokens`` None all of it.

    A tool call is kept back to the end whatever was released before: what a client runs cannot be unsaid.
    """

    def __init__(self, endpoint: Endpoint, tokens: int | None, verdict: Verdict) -> None:
        self._endpoint, self._tokens, self._verdict = endpoint, tokens, verdict
        self._all: list[bytes] = []
        self._held: list[bytes] = []
        self._spoken = 0
        self._released = self._calls = False

    async def over(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The blocks, each when it may go. Raises ``Unfit`` when a verdict is against it, or there is none."""
        async for block in blocks:
            self._look(block)
            if self._released and not self._calls:
                yield block
                continue
            self._held.append(block)
            if self._tokens is not None and not self._calls and self._spoken >= self._tokens:
                yield await self._release()
        if self._held:
            yield await self._release()

    def _look(self, block: bytes) -> None:
        self._all.append(block)
        for event in sse.events(block):
            self._spoken += dialect.kind(self._endpoint, event) == "content"
            self._calls = self._calls or dialect.calls(event)

    async def _release(self) -> bytes:
        if not await self._verdict(dialect.read(self._endpoint, b"".join(self._all), streamed=True)):
            raise Unfit("held")
        self._released, held = True, b"".join(self._held)
        self._held.clear()
        return held
