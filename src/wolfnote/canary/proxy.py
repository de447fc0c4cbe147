"""Who answers a request, and what happens when they cannot: before the client has seen a byte, the base may still answer.

canary fails, is late, says nothing sensible or is held   the base answers once, and the client does not notice
the stream breaks after its first content                 a well-formed error event, counted
the base fails                                            502 or 504: there is nobody else to ask
the client is gone                                        the task is cancelled, and with it the upstream's connection
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from wolfnote.canary import dialect, headers, relay, sse
from wolfnote.canary.asking import Asking, Refused
from wolfnote.canary.assignment import Arm
from wolfnote.canary.configuration import Configuration
from wolfnote.canary.dialect import Said
from wolfnote.canary.exchange import Exchange
from wolfnote.canary.experiment import Placed
from wolfnote.canary.relay import Blocks, Cut, Hold, Unfit
from wolfnote.canary.sse import Garbled
from wolfnote.canary.upstream import FAULTS, Upstream

if TYPE_CHECKING:
    from aiohttp import ClientResponse

BROKEN = (*FAULTS, Cut, Garbled)
Judging = Callable[[Exchange, Said], Awaitable[bool]]
"""Whether a held answer may go out."""
Allowed = Callable[[], bool]
"""Whether the canary may still be heard: asked once more before its first byte, for a kill may have come meanwhile."""


class Proxy:
    """Answers an exchange whose arm is placed. ``settings`` may be replaced between requests."""

    def __init__(self, upstreams: dict[Arm, Upstream], settings: Configuration, verdict: Judging, allowed: Allowed) -> None:
        self._upstreams, self.settings, self._verdict, self._allowed = upstreams, settings, verdict, allowed

    async def answer(self, exchange: Exchange, asking: Asking, placed: Placed) -> None:
        """Answer it, with whatever must be. Raises ``Refused`` when the base cannot."""
        if placed.arm is Arm.CANARY and await self._from_canary(exchange, asking):
            return
        exchange.answered_by = Arm.STABLE
        exchange.kept = [] if placed.judged else None
        response = await self._asked(Arm.STABLE, exchange, asking.body(self.settings.stable.model))
        try:
            await self._relay(response, exchange, asking)
        finally:
            response.close()

    async def pass_on(self, exchange: Exchange, arm: Arm, method: str, body: bytes | None) -> None:
        """A request that no arm is drawn for: the base answers it as it is, or whoever holds what it is about."""
        exchange.answered_by = arm
        response = await self._asked(arm, exchange, body, method)
        try:
            await exchange.start(response.status, headers.down(response.raw_headers, length=True))
            async for piece in response.content.iter_any():
                await exchange.write(piece)
            await exchange.end()
        except FAULTS as error:
            exchange.fault = type(error).__name__  # the connection is closed without an end, which is how a client learns it
        finally:
            response.close()

    async def _from_canary(self, exchange: Exchange, asking: Asking) -> bool:
        """Whether the canary has answered. If not, the client has not been sent anything."""
        exchange.answered_by, exchange.kept = Arm.CANARY, []
        try:
            limits = self.settings.canary
            async with asyncio.timeout(limits.first if asking.streamed else limits.idle) as patience:
                response = await self._ask(Arm.CANARY, exchange, asking.body(self.settings.canary.model))
                try:
                    await self._commit(response, exchange, asking, patience)
                finally:
                    response.close()
        except (*BROKEN, Unfit) as error:
            exchange.fallback = str(error) if isinstance(error, Unfit) else type(error).__name__
        if not exchange.begun and Arm.CANARY not in exchange.said:  # a held answer was read, and is evidence
            exchange.hear(Arm.CANARY, None)
        return exchange.begun

    async def _commit(
        self, response: ClientResponse, exchange: Exchange, asking: Asking, patience: asyncio.Timeout
    ) -> None:  # fmt: skip
        """Relay the canary's answer once it is worth it. Raises ``Unfit`` or ``BROKEN`` before that."""
        if not 200 <= response.status < 300:
            raise Unfit(f"status {response.status}")
        if not relay.readable(response) or asking.streamed is not relay.streams(response):
            raise Unfit("not what was asked for")
        if asking.streamed:
            await self._commit_stream(response, exchange, asking, patience)
            return
        body, whole = await relay.gather(response, self.settings.bounds.reply)
        if not whole or not dialect.usable(asking.endpoint, body):
            raise Unfit("no answer in the body")
        patience.reschedule(None)
        if self.settings.hold.mode != "off" and not await self._judged(
            exchange, dialect.read(asking.endpoint, body, streamed=False)
        ):
            raise Unfit("held")
        self._still()
        exchange.keep(body)
        await exchange.start(response.status, headers.down(response.raw_headers, length=True))
        await exchange.end(body)

    async def _commit_stream(
        self, response: ClientResponse, exchange: Exchange, asking: Asking, patience: asyncio.Timeout
    ) -> None:  # fmt: skip
        """Relay the canary's events from the first content on, or from the verdict on where they are held."""
        blocks = aiter(Blocks(response, asking.endpoint))
        head = await relay.begin(asking.endpoint, blocks)
        patience.reschedule(None)
        mode = self.settings.hold.mode
        try:
            if mode == "off":
                self._still()
                await self._start_stream(response, exchange, head)
                await self._stream(exchange, blocks)
            else:
                tokens = self.settings.hold.tokens if mode == "window" else None
                hold = Hold(asking.endpoint, tokens, lambda said: self._judged(exchange, said))
                async for block in hold.over(_after(head, blocks)):
                    if not exchange.begun:
                        self._still()
                        await self._start_stream(response, exchange, b"")
                    exchange.keep(block)
                    await exchange.write(block)
                await exchange.end()
        except (*BROKEN, Unfit) as error:
            if not exchange.begun:
                raise
            await self._break_off(exchange, asking, "held" if isinstance(error, Unfit) else type(error).__name__)

    async def _relay(self, response: ClientResponse, exchange: Exchange, asking: Asking) -> None:
        """The base's answer, as it comes."""
        if relay.streams(response) and relay.readable(response):
            await self._start_stream(response, exchange, b"")
            try:
                await self._stream(exchange, aiter(Blocks(response, asking.endpoint)))
            except BROKEN as error:
                await self._break_off(exchange, asking, type(error).__name__)
            return
        try:
            body, whole = await relay.gather(response, self.settings.bounds.reply)
        except FAULTS as error:
            raise Refused(502, "the model's server broke off its answer", "upstream_error") from error
        exchange.kept = exchange.kept if whole and relay.readable(response) else None
        exchange.keep(body)
        await exchange.start(response.status, headers.down(response.raw_headers, length=True))
        if not whole:
            await exchange.write(body)
            try:
                async for piece in response.content.iter_any():
                    await exchange.write(piece)
            except FAULTS as error:  # its head is out: it can only stop
                exchange.fault = type(error).__name__
                return
            body = b""
        await exchange.end(body)

    def _still(self) -> None:
        """Raise ``Unfit`` when the canary was taken back while it was thinking."""
        if not self._allowed():
            raise Unfit("taken back")

    async def _start_stream(self, response: ClientResponse, exchange: Exchange, head: bytes) -> None:
        exchange.streamed = True
        # the length would be wrong if an error had to be added
        await exchange.start(response.status, headers.down(response.raw_headers, length=False))
        if head:
            exchange.keep(head)
            await exchange.write(head)

    async def _stream(self, exchange: Exchange, blocks: AsyncIterator[bytes]) -> None:
        async for block in blocks:
            exchange.keep(block)
            await exchange.write(block)
        await exchange.end()

    async def _break_off(self, exchange: Exchange, asking: Asking, fault: str) -> None:
        """End a stream that cannot go on, so that a client reads an error and not an answer that just stops."""
        exchange.fault, exchange.kept = fault, None
        message = "this answer was stopped" if fault == "held" else "the model's server broke off its answer"
        await exchange.end(sse.failure(message, "stream_interrupted", named=asking.endpoint == "responses"))

    async def _judged(self, exchange: Exchange, said: Said) -> bool:
        exchange.hear(Arm.CANARY, said)
        return await self._verdict(exchange, said)

    async def _asked(self, arm: Arm, exchange: Exchange, body: bytes | None, method: str = "POST") -> ClientResponse:
        """An answer for which nobody stands in. Raises ``Refused`` (502, 504)."""
        try:
            return await self._ask(arm, exchange, body, method)
        except TimeoutError as error:
            raise Refused(504, "the model's server does not answer", "upstream_timeout") from error
        except FAULTS as error:
            exchange.fault = type(error).__name__
            raise Refused(502, "the model's server cannot be reached", "upstream_error") from error

    async def _ask(self, arm: Arm, exchange: Exchange, body: bytes | None, method: str = "POST") -> ClientResponse:
        upstream = self._upstreams[arm]
        # without keys of the gateway's own, the client's key is for the models
        sent = headers.up(exchange.headers, own=upstream.own, keep_credentials=not self.settings.keys)
        query = b"?" + exchange.query if exchange.query else b""
        return await upstream.ask(exchange.path + query.decode("latin-1"), sent, body, method=method)


async def _after(head: bytes, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for block in blocks:
        yield block
