"""Two OpenAI-compatible servers on real sockets with scripted answers and faults on demand, and a gateway before them.

What a server does is said in the request: ``"wish": "hang"`` makes the canary hang (``"stable-wish"``: the base). So tests
need no switches, and a request always meets the same fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from wolfnote.canary.configuration import Configuration
from wolfnote.canary.service import Service
from wolfnote.canary.store import connect

CHAT = "/v1/chat/completions"
WORDS = ["Well", ", ", "rain ", "falls", " – ", "schön", " 雨", " 🌧", "."]


class Scripted:
    """An upstream as an ASGI app. ``seen``: (path, headers, body); ``open``: streams under way; ``left``: clients that left."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.left = 0
        self.open = 0
        self.harm = 0.0
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        body = json.loads(raw) if raw else {}
        headers = {k.decode(): v.decode("latin-1") for k, v in scope["headers"]}
        self.seen.append(
            (scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else ""), headers, body)
        )
        gone = asyncio.create_task(self._gone(receive))
        self.open += 1
        work = asyncio.create_task(self._answer(scope, body, send))
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        self.open -= 1
        for task in (work, gone):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await work

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1

    async def _answer(self, scope: Any, body: Any, send: Any) -> None:
        wish = body.get(f"{self.name}-wish", "") if isinstance(body, dict) else ""
        if wish == "hang":
            await asyncio.sleep(3600)
        if wish.startswith("status"):
            await self._json(send, {"error": {"message": "broken", "type": "server_error"}}, int(wish[6:]))
        elif scope["path"] == "/v1/models":
            await self._json(send, {"object": "list", "data": [{"id": self.name, "object": "model"}]})
        elif body.get("stream"):
            await self._stream(scope["path"], body, wish, send)
        elif wish == "garbage":
            await self._plain(send, b'{"choices": [{"mess')
        else:
            await self._json(send, self.reply(scope["path"], body))

    def reply(self, path: str, body: Any) -> dict[str, Any]:
        """The whole answer."""
        text = self.text(body)
        if path.endswith("responses"):
            part = {"type": "output_text", "text": text, "annotations": []}
            item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [part]}
            return {
                "id": f"resp_{self.name}",
                "object": "response",
                "status": "completed",
                "model": self.name,
                "output": [item],
            }
        if path.endswith("chat/completions"):
            choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
        else:
            choice = {"text": text}
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        return {"id": "c1", "object": "chat.completion", "created": 1, "model": self.name, "usage": usage,
                "choices": [{"index": 0, "finish_reason": "stop", **choice}]}  # fmt: skip

    def text(self, body: Any) -> str:
        """What this server says: harmful in a share ``harm`` of its answers, by a hash of the question."""
        number = int.from_bytes(__import__("hashlib").sha256(json.dumps(body.get("messages", "")).encode()).digest()[:4], "big")
        return "You are worthless. Kill yourself." if number / 2**32 < self.harm else "".join(WORDS)

    async def _stream(self, path: str, body: Any, wish: str, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream; charset=utf-8")]}
        )
        faults = {"garbage": ["<html>\n\n"], "empty": [], "error": ['data: {"error": {"message": "out of memory"}}\n\n']}
        pieces = faults[wish] if wish in faults else self.events(path, body)
        for number, piece in enumerate(pieces):
            if wish == "break" and number == 4:
                await send({"type": "http.response.body", "body": piece.encode()[:9], "more_body": True})
                return  # the connection is cut within an event
            if wish == "slow":
                await asyncio.sleep(0.05)
            data = piece.encode()
            if wish == "split":
                for byte in data:
                    await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                    await asyncio.sleep(0)
                continue
            await send({"type": "http.response.body", "body": data, "more_body": True})
        while wish == "flood":
            piece = f"data: {json.dumps({'choices': [{'delta': {'content': 'x' * 60_000}}]})}\n\n".encode()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self.sent += len(piece)
            await asyncio.sleep(0)
        if wish == "forever":
            while True:
                await send({"type": "http.response.body", "body": pieces[1].encode(), "more_body": True})
                await asyncio.sleep(0.02)
        await send({"type": "http.response.body", "body": b""})

    def events(self, path: str, body: Any) -> list[str]:
        """The stream's events."""
        words = body.get("say") or [self.text(body)] if self.harm else body.get("say") or WORDS
        if path.endswith("responses"):
            done = {"type": "response.completed", "response": self.reply(path, body) | {"id": f"resp_{self.name}"}}
            said = [{"type": "response.output_text.delta", "delta": word, "item_id": "m1"} for word in words]
            every = [{"type": "response.created", "response": {"id": f"resp_{self.name}"}}, *said, done]
            return [f"event: {one['type']}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n" for one in every]
        chat = path.endswith("chat/completions")
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": self.name}
        deltas: list[Any] = [{"delta": {"role": "assistant", "content": ""}}] if chat else []
        if body.get("tools") and chat:
            call = {"index": 0, "id": "t1", "type": "function", "function": {"name": "look", "arguments": ""}}
            parts = [{"index": 0, "function": {"arguments": part}} for part in ('{"place"', ': "', 'Linz"}')]
            deltas += [{"delta": {"tool_calls": [piece]}} for piece in (call, *parts)]
        else:
            deltas += [{"delta": {"content": word}} if chat else {"text": word} for word in words]
        last = {"delta": {}} if chat else {"text": ""}
        finish = "tool_calls" if body.get("tools") and chat else "stop"
        rows = [{**head, "choices": [{"index": 0, "finish_reason": None, **delta}]} for delta in deltas]
        rows.append({**head, "choices": [{"index": 0, "finish_reason": finish, **last}]})
        texts = [f"data: {json.dumps(row, ensure_ascii=False)}\n\n" for row in rows]
        return [": keep alive\n\n", *texts, "data: [DONE]\n\n"]

    async def _json(self, send: Any, value: Any, status: int = 200) -> None:
        await self._plain(send, json.dumps(value).encode(), status)

    async def _plain(self, send: Any, data: bytes, status: int = 200) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(data)).encode()),
            (b"x-upstream", b"yes"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def served(app: Any, **more: Any) -> AsyncIterator[str]:
    """The app on a free port of this machine: its address."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = _Quiet(uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, **more))
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.wait([task], timeout=5)
        task.cancel()
        listening.close()


class Standing:
    """A gateway with its two servers."""

    def __init__(self, url: str, service: Service, stable: Scripted, canary: Scripted) -> None:
        self.url, self.service, self.stable, self.canary = url, service, stable, canary


@contextlib.asynccontextmanager
async def standing(folder: Any, *overrides: str, share: float = 0.0, harm: float = 0.0) -> AsyncIterator[Standing]:
    """A gateway before two servers. ``share``: it is a canary at that share from the start; 1.0 = it was promoted."""
    from wolfnote import settings as settings_module

    stable, canary = Scripted("stable"), Scripted("canary")
    canary.harm = harm
    async with served(stable) as stable_url, served(canary) as canary_url:
        base = settings_module.load(
            Configuration, None, ('store.log="none"', "canary.first=1.0", "canary.idle=1.0", *overrides)
        )
        import msgspec

        configured = msgspec.structs.replace(
            base,
            stable=msgspec.structs.replace(base.stable, url=f"{stable_url}/v1", model="stable"),
            canary=msgspec.structs.replace(base.canary, url=f"{canary_url}/v1", model="canary"),
        )
        store = await connect(str(folder / "canary.sqlite"))
        service = Service(configured, store, b"0" * 32)
        await service.open()
        beside = asyncio.create_task(service.run())
        if share:
            await expose(service, share)
        try:
            async with served(service.gateway, timeout_graceful_shutdown=1) as url:
                yield Standing(url, service, stable, canary)
        finally:
            beside.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beside
            await service.close()
            await store.close()


async def expose(service: Service, share: float) -> None:
    """Give the canary a share by hand, past what the controller would ask for."""
    import msgspec

    from wolfnote.canary.controller import Stage

    def to(share: float, stage: Stage) -> Any:
        return lambda seen: msgspec.structs.replace(
            seen.state, number=seen.state.number + 1, stage=stage, share=share, who="a test", why="a test"
        )

    await service.experiment.act(to(min(share, 0.5), Stage.CANARY))
    if share > 0.5:
        await service.experiment.act(to(1.0, Stage.PROMOTED))
