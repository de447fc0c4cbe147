"""Faults at 200 requests a second: what was lost, doubled or garbled, beyond what was in flight on the process that died.

.venv/bin/python benchmarks/faults.py [--rate 200] [--seconds 10]

A gateway in a process of its own, two scripted servers, a client that checks each answer byte for byte, and in turn: nothing
wrong; SIGKILL of the gateway; the canary's server gone and back; judges that hang; garbage, errors and silence from the
canary; slow readers; clients that vanish (and how soon the upstream stops); prompts of 10 MB; 5,000 idle clients.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import logging
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests" / "canary")]

from test_canary_command import Process, configured, run  # noqa: E402 - lie beside the tests
from upstreams import CHAT, Scripted, served  # noqa: E402

os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent / "src"), str(HERE.parent / "tests" / "canary")])
SCENES = (
    "nothing",
    "gateway killed",
    "canary gone",
    "judge hangs",
    "bad canary",
    "slow readers",
    "vanishing",
    "10 MB",
    "5000 idle",
)


SETTINGS = {
    "judge hangs": '[judging]\njudges = ["hostile_judges:hanging"]\ntimeout = 2.0\n',
    "bad canary": '[course]\npairs = 20\nsteps = [0.5]\n[limits]\non_weird = "warn"\nabstentions = 0.39\n',
}


class Tally:
    """What came of each request. ``right``: byte for byte what a server says."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.in_flight: dict[int, float] = {}
        self.worst = 0.0
        self.number = 0


def expected(server: Scripted, *, streamed: bool) -> bytes:
    return "".join(server.events(CHAT, {})).encode() if streamed else json.dumps(server.reply(CHAT, {})).encode()


async def one(client: aiohttp.ClientSession, front: str, n: int, tally: Tally, right: set[bytes], more: dict[str, Any]) -> None:
    """One request, checked."""
    body = {
        "model": "any",
        "user": f"user {n}",
        "stream": bool(n % 2),
        "messages": [{"role": "user", "content": f"question {n}"}],
    }
    tally.in_flight[n] = time.monotonic()
    try:
        async with client.post(front + CHAT, json=body | more) as response:
            found = await response.read()
            told = "told that it broke" if b"stream_interrupted" in found else f"wrong, status {response.status}"
            tally.counts["right" if found in right else told] += 1
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        tally.counts[type(error).__name__] += 1
    tally.worst = max(tally.worst, time.monotonic() - tally.in_flight.pop(n))


async def traffic(front: str, tally: Tally, right: set[bytes], rate: int, seconds: float, **more: Any) -> None:
    """Requests at a rate, whatever becomes of them."""
    tasks = []
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
    ) as client:
        start = time.monotonic()
        for n in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + n / rate - time.monotonic()))
            tally.number += 1  # new conversations: those that the base began stay with it
            tasks.append(asyncio.create_task(one(client, front, tally.number, tally, right, more)))
        await asyncio.gather(*tasks)


async def scene(name: str, rate: int, seconds: float) -> str:
    """One fault, told in a line."""
    stable, canary = Scripted("stable"), Scripted("canary")
    right = {expected(server, streamed=streamed) for server in (stable, canary) for streamed in (False, True)}
    tally = Tally()
    more = SETTINGS.get(name, "")
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as stack:
            one_url = await stack.enter_async_context(served(stable))
            two = contextlib.AsyncExitStack()
            two_url = await two.enter_async_context(served(canary))
            config = configured(Path(folder), one_url, two_url, more)
            gateway = await stack.enter_async_context(Process(config))
            text = await ACTS.get(name, plain)(gateway, tally, right, rate, seconds, two, canary, config)
            await two.aclose()
    return f"{name:16} {dict(tally.counts)} slowest {tally.worst:.2f} s {text}"


async def plain(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    await traffic(gateway.front, tally, right, rate, seconds)
    return ""


async def killed(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    task = asyncio.create_task(traffic(gateway.front, tally, right, rate, seconds))
    await asyncio.sleep(seconds / 2)
    flying = len(tally.in_flight)
    gateway.process.kill()
    await task
    broken = tally.counts["ServerDisconnectedError"] + tally.counts["ClientPayloadError"] + tally.counts["ClientOSError"]
    refused = tally.counts["ClientConnectorError"]
    return f"| in flight at the kill: {flying}, broken answers: {broken}, refused afterwards: {refused}"


async def gone(
    gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, two: contextlib.AsyncExitStack, *rest: Any
) -> str:
    task = asyncio.create_task(traffic(gateway.front, tally, right, rate, seconds))
    await asyncio.sleep(seconds / 2)
    await two.aclose()
    await task
    return ""


async def bad(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    """Half of all conversations are the canary's, promoted on its good behaviour; then it turns bad in every way."""
    await traffic(gateway.front, tally, right, rate, seconds / 4)
    await asyncio.sleep(2)
    _, _, said = await run("promote", "--config", str(rest[-1]), "--as", "a benchmark")
    for wish in ("garbage", "status500", "hang", "error", "break"):
        await traffic(gateway.front, tally, right, rate, seconds / 5, **{"canary-wish": wish})
    found = await here(gateway)
    return f"| {said.strip()}; the base stood in {found['fallbacks']} times, {found['broken']} broke off"


async def slow(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    """Fifty clients read a byte now and then of an endless answer; all others are as before."""
    host, port = gateway.front.removeprefix("http://").split(":")
    body = json.dumps({"model": "any", "stream": True, "stable-wish": "forever", "messages": []}).encode()
    readers = []
    for _ in range(50):
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        readers.append((reader, writer))
    await traffic(gateway.front, tally, right, rate, seconds)
    for _, writer in readers:
        writer.close()
    return f"| gateway {memory(gateway):.0f} MB"


async def vanishing(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    """Every client leaves in the middle of an endless answer."""
    order = random.Random(1)  # noqa: S311 - traffic

    async def leave(client: aiohttp.ClientSession) -> None:
        body = {"model": "any", "stream": True, "stable-wish": "forever", "messages": []}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3 + order.random()), client.post(gateway.front + CHAT, json=body) as response:
                async for _ in response.content.iter_any():
                    pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        tasks = [asyncio.create_task(leave(client)) for _ in range(rate)]
        await asyncio.gather(*tasks)
        left = time.monotonic()
    await asyncio.sleep(1.0)
    status = await here(gateway)
    later = time.monotonic() - left
    return f"| {rate} left; in flight {later:.1f} s later: {status['in flight']}, counted as gone: {status['gone']}"


async def large(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    body = json.dumps({"model": "any", "messages": [{"role": "user", "content": "x" * 10_000_000}]}).encode()
    task = asyncio.create_task(traffic(gateway.front, tally, right, rate, seconds))
    async with aiohttp.ClientSession() as client:
        for _ in range(10):
            async with client.post(
                gateway.front + CHAT, data=io.BytesIO(body), headers={"content-type": "application/json"}
            ) as response:
                tally.counts["10 MB right" if await response.read() in right else f"10 MB: {response.status}"] += 1
    await task
    return f"| gateway {memory(gateway):.0f} MB"


async def idle(gateway: Process, tally: Tally, right: set[bytes], rate: int, seconds: float, *rest: Any) -> str:
    host, port = gateway.front.removeprefix("http://").split(":")
    writers = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(5000)]
    await traffic(gateway.front, tally, right, rate, seconds)
    used = memory(gateway)
    for writer in writers:
        writer.close()
    return f"| gateway {used:.0f} MB with 5,000 idle clients"


ACTS: dict[str, Any] = {
    "gateway killed": killed,
    "canary gone": gone,
    "bad canary": bad,
    "slow readers": slow,
    "vanishing": vanishing,
    "10 MB": large,
    "5000 idle": idle,
}


def memory(gateway: Process) -> float:
    pages = int(Path(f"/proc/{gateway.process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def here(gateway: Process) -> dict[str, int]:
    """The gateway's own counts, by its dashboard."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(gateway.link) as response:
            await response.read()
        async with client.get(gateway.link.partition("?")[0] + "canary/state") as response:
            return dict((await response.json(content_type=None))["here"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # the scripted servers write to clients that have left
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
    for name in SCENES:
        if given.only in name:
            print(asyncio.run(scene(name, given.rate, given.seconds)), flush=True)


if __name__ == "__main__":
    main()
