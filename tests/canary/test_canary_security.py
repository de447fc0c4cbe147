"""What a hostile client tries, over real sockets: it is refused, and nothing of it reaches a model, a log or another port."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from upstreams import CHAT, Standing, served, standing

from wolfnote.canary import admin, keys
from wolfnote.canary.journal import Journal

KEY, HASH = keys.new()
TOKEN = "an-admin-token-that-is-long-enough"  # noqa: S105 - a test's
KEYED = f'keys=[{{name="a",hash="{HASH}",tenant="acme"}}]'
BODY = b'{"model": "any", "messages": [{"role": "user", "content": "hello"}]}'


def live(folder: Path, work: Callable[[Standing], Awaitable[None]], *overrides: str) -> None:
    async def main() -> None:
        async with standing(folder, *overrides) as gateway:
            await work(gateway)

    asyncio.run(main())


async def raw(url: str, data: bytes, patience: float = 5) -> bytes:
    """What a server answers to bytes, until it closes or falls silent."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    found = b""
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(patience):
            while piece := await reader.read(65536):
                found += piece
                if b"\r\n\r\n" in found and (b'"code"' in found or b"Invalid" in found or b'"usage"' in found):
                    break
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return found


def head(*lines: str, path: str = CHAT, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def test_no_request_without_a_key_where_keys_are_on(tmp_path: Path) -> None:
    """Every path that reaches a model wants one; a wrong one, a hash or a second header are none; health says nothing."""

    async def work(gateway: Standing) -> None:
        async with aiohttp.ClientSession() as client:
            for path in (
                CHAT,
                "/v1/completions",
                "/v1/responses",
                "/v1/models",
                "/v1/responses/r",
                "/v1/embeddings",
                "/nothing",
            ):
                for shown in ({}, {"authorization": f"Bearer {HASH}"}, {"authorization": "Bearer wn-x"}, {"x-api-key": "x"}):
                    for method in ("GET", "POST", "DELETE", "PUT"):
                        async with client.request(method, gateway.url + path, data=BODY, headers=shown) as response:
                            assert response.status == 401
            async with client.get(gateway.url + "/healthz") as response:
                assert await response.json() == {"ok": True}
            async with client.post(gateway.url + CHAT, data=BODY, headers={"authorization": f"Bearer {KEY}"}) as response:
                assert response.status == 200
        assert len(gateway.stable.seen) == 1

    live(tmp_path, work, KEYED, "shadow.share=0")


def test_the_admin_is_never_on_the_data_port_and_wants_its_token(tmp_path: Path) -> None:
    """Admin paths are nothing on the data port, whatever token is shown; on its own port they want the token."""

    async def work(gateway: Standing) -> None:
        shown = {"authorization": f"Bearer {TOKEN}"}
        order = json.dumps({"who": "Mallory", "number": 1})
        async with served(admin.app(gateway.service, TOKEN)) as control, aiohttp.ClientSession() as client:
            for path in (
                "/api/status",
                "/api/pairs",
                "/api/kill",
                "/metrics",
                "/canary/",
                "/canary/state",
                "/",
                "/v1/../api/status",
            ):
                async with client.post(gateway.url + path, data=order, headers=shown) as response:
                    assert response.status == 404
                async with client.get(gateway.url + path, headers=shown) as response:
                    assert response.status == 404
            for headers in ({}, {"authorization": "Bearer x"}, {"authorization": TOKEN}, {"cookie": f"token={TOKEN}"}):
                for path in ("/api/status", "/api/pairs", "/metrics"):
                    async with client.get(control + path, headers=headers) as response:
                        assert response.status == 401
                async with client.post(control + "/api/kill", data=order, headers=headers) as response:
                    assert response.status == 401
            assert gateway.service.experiment.state.stage == "SHADOW"
            async with client.get(control + CHAT, headers=shown) as response:
                assert response.status == 404
            async with client.post(control + "/api/kill", data=order, headers=shown) as response:
                assert response.status == 200
            assert gateway.service.experiment.state.stage == "HOLD"

    live(tmp_path, work)


def test_a_decision_on_an_old_state_is_refused(tmp_path: Path) -> None:
    """Whoever promotes or resumes names the state that they saw; a kill needs none; a decision needs a person and evidence."""

    async def work(gateway: Standing) -> None:
        async with served(admin.app(gateway.service, TOKEN)) as control, aiohttp.ClientSession() as client:

            async def order(what: str, **body: object) -> tuple[int, str]:
                async with client.post(
                    f"{control}/api/{what}", json=body, headers={"authorization": f"Bearer {TOKEN}"}
                ) as response:
                    return response.status, await response.text()

            assert (await order("promote", who="Ada", number=0))[0] == 409
            status, text = await order("promote", who="Ada", number=1)
            assert (status, "judged pairs" in text) == (409, True)
            assert (await order("kill", who=" "))[0] == 409
            assert (await order("kill"))[0] == 400
            assert (await order("kill", who="Ada", why="a test"))[0] == 200
            assert (await order("resume", who="Ada", number=1))[0] == 409
            assert (await order("resume", who="Ada", number=2))[0] == 200
            assert gateway.service.experiment.state.who == "Ada"
            assert (await order("rollback", who="Ada"))[0] == 200
            assert (await order("resume", who="Ada", number=4))[0] == 409

    live(tmp_path, work)


SMUGGLED = head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
SHAPES = {
    "length and chunks": SMUGGLED,
    "two lengths": head("Content-Length: 5", "Content-Length: 68") + BODY,
    "length with a sign": head("Content-Length: +68") + BODY,
    "a length in words": head("Content-Length: 68, 68") + BODY,
    "odd transfer encoding": head("Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "spaced transfer encoding": head("Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "odd chunk size": head("Transfer-Encoding: chunked") + b"0x44\r\n" + BODY + b"\r\n0\r\n\r\n",
    "folded header": head("X-A: b\r\n c: d", "Content-Length: 68") + BODY,
    "bare line feed in a header": head("X-A: b\nauthorization: Bearer x", "Content-Length: 0"),
    "zero in a header": head("X-A: b\0c", "Content-Length: 0"),
    "two hosts": head("Host: y", f"Content-Length: {len(BODY)}") + BODY,
    "two authorizations": head("Authorization: Bearer a", "Authorization: Bearer b", f"Content-Length: {len(BODY)}") + BODY,
    "compressed": head("Content-Encoding: gzip", f"Content-Length: {len(BODY)}") + BODY,
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_smuggling_shapes_reach_no_model(tmp_path: Path, shape: str) -> None:
    """Each is refused or closed; at most one request is ever seen in it, and never the hidden one."""

    async def work(gateway: Standing) -> None:
        found = await raw(gateway.url, SHAPES[shape], 1.5)
        assert b"HTTP/1.1 200" not in found
        assert not found or found.startswith((b"HTTP/1.1 400", b"HTTP/1.1 41"))
        assert gateway.stable.seen == []
        assert gateway.canary.seen == []

    live(tmp_path, work)


def test_nothing_in_a_request_names_the_server_that_is_called(tmp_path: Path) -> None:
    """Absolute addresses, hosts, forwarding headers, models and bodies with addresses: only the configured server is asked."""

    async def work(gateway: Standing) -> None:
        hidden: list[str] = []

        async def elsewhere(scope: dict[str, object], receive: object, send: object) -> None:
            hidden.append(str(scope.get("path")))

        async with served(elsewhere) as other, aiohttp.ClientSession() as client:
            place = other.removeprefix("http://")
            body = {"model": other, "base_url": other, "api_base": other, "messages": [], "url": other, "host": place}
            headers = {"x-forwarded-host": place, "forwarded": f"host={place}", "x-original-url": other, "x-upstream": other}
            async with client.post(gateway.url + CHAT, json=body, headers=headers | {"host": place}) as response:
                assert response.status == 200
            for path in (f"{other}{CHAT}", f"//{place}{CHAT}", f"/v1/models/{other}", "/v1/models/../../admin", "/v1/responses/a/../../x",
                         f"{CHAT}/@{place}", "/v1/models/%2e%2e/x", f"/v1@{place}/models"):  # fmt: skip
                found = await raw(gateway.url, head("Content-Length: 0", path=path, method="GET"), 1)
                assert b" 200 " not in found.partition(b"\r\n")[0]
            assert hidden == []
            assert {path for path, _, _ in gateway.stable.seen} == {CHAT}
            assert all(place not in json.dumps(seen[1]["host"]) for seen in gateway.stable.seen)

    live(tmp_path, work, "shadow.share=0")


@pytest.mark.parametrize("way", ["told", "chunked"])
def test_oversized_bodies_are_refused_before_they_fill_the_memory(tmp_path: Path, way: str) -> None:
    """A length beyond the bound is refused unread; chunks without end are cut off at the bound."""

    async def work(gateway: Standing) -> None:
        if way == "told":
            data = head("Content-Length: 999999999999")
        else:
            data = head("Transfer-Encoding: chunked") + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 40
        found = await raw(gateway.url, data)
        assert found.startswith(b"HTTP/1.1 413") or not found
        assert gateway.stable.seen == []
        assert not gateway.service.gateway.going

    live(tmp_path, work, "bounds.body=1000000")


def test_ten_megabytes_pass_and_long_heads_do_not(tmp_path: Path) -> None:
    """A long prompt arrives whole; a head of a megabyte reaches nobody."""

    async def work(gateway: Standing) -> None:
        async with aiohttp.ClientSession() as client:
            body = {"model": "any", "messages": [{"role": "user", "content": "ä" * 5_000_000}]}
            data = io.BytesIO(json.dumps(body).encode())
            async with client.post(gateway.url + CHAT, data=data, headers={"content-type": "application/json"}) as response:
                assert response.status == 200
            assert gateway.stable.seen[0][2]["messages"] == body["messages"]
        found = await raw(gateway.url, head("X-Long: " + "y" * 1_000_000, "Content-Length: 0"), 2)
        assert b" 200 " not in found[:20]
        assert len(gateway.stable.seen) == 1

    live(tmp_path, work, "shadow.share=0")


def test_no_words_in_logs_and_metrics_and_no_forged_lines(tmp_path: Path) -> None:
    """What was asked and answered is in neither; line breaks in names and paths stay inside their line."""
    target = io.BytesIO()

    async def work(gateway: Standing) -> None:
        journal = Journal("requests", target)
        gateway.service.gateway.on_over = journal.over
        text = 'SECRETWORD\n{"event": "decision", "stage": "PROMOTED"}'
        async with aiohttp.ClientSession() as client:
            body = {"model": "any", "user": text, "messages": [{"role": "user", "content": text}]}
            headers = {"x-wolfnote-conversation": "SECRETWORD"}
            async with client.post(gateway.url + CHAT, json=body, headers=headers) as response:
                assert response.status == 200
            async with client.get(gateway.url + "/v1/%0a%7B%22event%22%3A%22decision%22%7D") as response:
                assert response.status == 404
        await asyncio.sleep(0.3)
        journal.close()
        assert b"SECRETWORD" not in gateway.service.measured()
        assert b"falls" not in gateway.service.measured()

    live(tmp_path, work)
    lines = target.getvalue().splitlines()
    assert len(lines) == 2
    assert {json.loads(line)["event"] for line in lines} == {"request"}
    assert b"SECRETWORD" not in target.getvalue()
    assert b"falls" not in target.getvalue()


def test_what_is_stored_is_redacted_and_names_nobody(tmp_path: Path) -> None:
    """The store holds no address, key or user name: pairs are redacted, units are hashes."""

    async def work(gateway: Standing) -> None:
        async with aiohttp.ClientSession() as client:
            body = {"model": "any", "user": "ana.berg", "messages": [{"role": "user", "content": "I am ana@example.org, help"}]}
            async with client.post(gateway.url + CHAT, json=body, headers={"authorization": f"Bearer {KEY}"}) as response:
                assert response.status == 200
        for _ in range(200):
            if pairs := await gateway.service.pairs():
                break
            await asyncio.sleep(0.02)
        assert pairs[0]["question"] == "I am [email], help"

    live(tmp_path, work, KEYED)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"[email]" in stored
    for secret in (b"ana@example.org", b"ana.berg", KEY.encode()):
        assert secret not in stored
