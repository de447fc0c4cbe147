"""Who is told when the stage changes: a POST a hook, signed, tried again with growing pauses. A hook decides nothing.

The body is JSON; ``X-Wolfnote-Signature`` is ``t=TIME,v1=HEX``, an HMAC-SHA256 of TIME, a dot and the body. The id stays the
same over all tries, so that a receiver can tell a second delivery from a second event.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence

import aiohttp
import msgspec

from wolfnote.canary import configuration
from wolfnote.canary.configuration import Hook
from wolfnote.canary.controller import State

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
MOST = 100
"""Deliveries that wait at once; what comes beyond is given up, and counted."""


class Webhooks:
    """Delivers. ``failed`` counts deliveries that were given up."""

    def __init__(
        self, hooks: Sequence[Hook], pause: float = FIRST_PAUSE, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self._hooks = [(hook, configuration.secret("hooks.secret_env", hook.secret_env).encode()) for hook in hooks]
        self._pause, self._tell = pause, tell
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = self.failed = 0

    def decided(self, state: State) -> None:
        """A new state: tell everybody, in the background."""
        event = {
            "id": secrets.token_hex(8),
            "event": f"canary.{state.stage.lower().replace(' ', '_')}",
            **msgspec.to_builtins(state),
        }
        body = msgspec.json.encode(event)
        for hook, secret in self._hooks:
            if len(self._tasks) >= MOST:
                self.failed += 1
                continue
            task = asyncio.create_task(self._deliver(hook, secret, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, patience: float = 2.0) -> None:
        """Give what is under way a little time."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=patience)
        for task in set(self._tasks):
            task.cancel()

    async def _deliver(self, hook: Hook, secret: bytes, body: bytes) -> None:
        pause = self._pause
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=10), cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            for number in range(hook.tries):
                if number:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                if await _post(session, hook.url, secret, body):
                    self.sent += 1
                    return
        self.failed += 1
        self._tell(f"a webhook was given up after {hook.tries} tries")


async def _post(session: aiohttp.ClientSession, url: str, secret: bytes, body: bytes) -> bool:
    now = str(int(time.time()))
    headers = {"content-type": "application/json"}
    if secret:
        headers["x-wolfnote-signature"] = f"t={now},v1={signature(secret, now, body)}"
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            return 200 <= response.status < 300
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def signature(secret: bytes, when: str, body: bytes) -> str:
    """What a receiver computes to know that it was us."""
    return hmac.new(secret, when.encode() + b"." + body, hashlib.sha256).hexdigest()
