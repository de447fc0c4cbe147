"""Who reads slowly, sends slowly or not at all: bounded, and nobody else's business."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
from upstreams import CHAT, standing


def test_a_reader_that_does_not_read_stops_its_upstream_and_is_ended(tmp_path: Path) -> None:
    """An endless answer to a client that never reads fills no memory: the upstream is not read either, and then it is over."""

    async def main() -> None:
        async with standing(tmp_path, "bounds.stalled=1.0", "shadow.share=0") as gateway:
            host, port = gateway.url.removeprefix("http://").split(":")
            body = json.dumps({"model": "any", "stream": True, "stable-wish": "flood", "messages": []}).encode()
            _, writer = await asyncio.open_connection(host, int(port), limit=1024)
            writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            while not gateway.stable.open:
                await asyncio.sleep(0.01)
            start = time.monotonic()
            while gateway.stable.open:
                await asyncio.sleep(0.02)
                assert time.monotonic() - start < 8
            assert gateway.stable.sent < 40_000_000
            assert gateway.service.metrics.plain["broken"] == 1
            writer.close()

    asyncio.run(main())


def test_a_body_that_never_comes_is_given_up(tmp_path: Path) -> None:
    """A client that announces a body and falls silent holds its place for ``bounds.stalled`` seconds and no longer."""

    async def main() -> None:
        async with standing(tmp_path, "bounds.stalled=0.4") as gateway:
            host, port = gateway.url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
            await asyncio.sleep(0.2)
            assert len(gateway.service.gateway.going) == 1
            await asyncio.sleep(1.0)
            assert not gateway.service.gateway.going
            writer.close()

    asyncio.run(main())


def test_idle_clients_and_a_full_house(tmp_path: Path) -> None:
    """Two hundred idle connections disturb nobody; beyond ``bounds.at_once`` there is a 503 with a time to come back."""

    async def main() -> None:
        async with standing(tmp_path, "bounds.at_once=3", "shadow.share=0") as gateway, aiohttp.ClientSession() as client:
            host, port = gateway.url.removeprefix("http://").split(":")
            idle = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(200)]
            body = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}

            async def ask(**more: str) -> tuple[int, str]:
                async with client.post(gateway.url + CHAT, json=body | more) as response:
                    return response.status, response.headers.get("retry-after", "")

            assert (await ask())[0] == 200
            long = [asyncio.ensure_future(ask(**{"stable-wish": "hang"})) for _ in range(3)]
            while gateway.stable.open < 3:
                await asyncio.sleep(0.01)
            assert await ask() == (503, "1")
            for task in long:
                task.cancel()
            await asyncio.gather(*long, return_exceptions=True)
            await asyncio.sleep(0.4)
            assert (await ask())[0] == 200
            for writer in idle:
                writer.close()

    asyncio.run(main())
