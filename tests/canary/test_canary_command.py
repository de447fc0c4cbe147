"""``wolfnote canary`` as a process: two ports, signals, kills, commands, webhooks, and the dashboard in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from upstreams import CHAT, Scripted, served

from wolfnote.canary.webhooks import signature

SOURCE = Path(__file__).parents[2] / "src"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(SOURCE), "HOOK_SECRET": "a-secret-for-hooks"}


class Process:
    """``wolfnote canary serve`` in a process of its own. ``front`` and ``link`` are its addresses."""

    def __init__(self, config: Path) -> None:
        self.config = config

    async def __aenter__(self) -> Process:
        command = [sys.executable, "-m", "wolfnote", "canary", "serve", "--config", str(self.config)]
        self.log = (self.config.parent / "log").open("ab")
        start = self.log.tell()
        self.process = subprocess.Popen(command, stderr=self.log, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            text = (self.config.parent / "log").read_bytes()[start:].decode()
            if found := re.search(r"clients: +(\S+)/v1\ndashboard: (\S+)\n", text):
                self.front, self.link = found.groups()
                return self
            assert self.process.poll() is None, text
            await asyncio.sleep(0.05)
        self.process.kill()
        raise AssertionError("it never began")

    async def __aexit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


def configured(folder: Path, stable: str, canary: str, more: str = "") -> Path:
    path = folder / "canary.toml"
    path.write_text(
        f'[stable]\nurl = "{stable}/v1"\nmodel = "stable"\n[canary]\nurl = "{canary}/v1"\nmodel = "canary"\n'
        f'[listen]\nport = 0\nadmin_port = {free()}\n[store]\nfolder = "{folder / "store"}"\n{more}',
        encoding="utf-8",
    )
    return path


def free() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wolfnote", "canary", *arguments, stdout=-1, stderr=-1, env=ENVIRONMENT
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


async def ask(client: aiohttp.ClientSession, front: str, text: str = "hi", **more: Any) -> tuple[int, bytes]:
    body = {"model": "any", "messages": [{"role": "user", "content": text}], **more}
    async with client.post(front + CHAT, json=body) as response:
        return response.status, await response.read()


def test_a_life_of_a_gateway(tmp_path: Path) -> None:
    """Served, asked, killed by command, ended by SIGTERM with a stream in flight that still gets its end, resumed, replayed."""

    async def main() -> None:
        heard: list[tuple[dict[str, str], bytes]] = []

        async def hook(scope: Any, receive: Any, send: Any) -> None:
            message = await receive()
            heard.append(({k.decode(): v.decode() for k, v in scope["headers"]}, message["body"]))
            await send({"type": "http.response.start", "status": 500 if len(heard) == 1 else 204, "headers": []})
            await send({"type": "http.response.body"})

        stable, canary = Scripted("stable"), Scripted("canary")
        async with served(stable) as one, served(canary) as two, served(hook) as hooked, aiohttp.ClientSession() as client:
            config = configured(tmp_path, one, two, f'[[hooks]]\nurl = "{hooked}/told"\nsecret_env = "HOOK_SECRET"\n')
            async with Process(config) as gateway:
                assert (await ask(client, gateway.front))[0] == 200
                code, out, _ = await run("status", "--config", str(config), "--json")
                assert (code, json.loads(out)["state"]["stage"]) == (0, "SHADOW")
                code, _, said = await run("promote", "--config", str(config), "--as", "Ada")
                assert (code, "judged pairs" in said) == (2, True)
                code, _, said = await run("kill", "--config", str(config), "--as", "Ada", "--why", "a test")
                assert (code, "HOLD" in said) == (0, True)
                stream = asyncio.ensure_future(ask(client, gateway.front, stream=True, **{"stable-wish": "slow"}))
                while not stable.open:
                    await asyncio.sleep(0.01)
                gateway.process.send_signal(signal.SIGTERM)
                assert (await stream)[1].endswith(b"data: [DONE]\n\n")
                while gateway.process.poll() is None:
                    await asyncio.sleep(0.05)
                assert gateway.process.returncode == 0
            code, _, said = await run(
                "resume", "--config", str(config), "--as", "Ben"
            )  # without a gateway: in the store itself
            assert (code, "SHADOW" in said) == (0, True)
            code, out, said = await run("replay", str(tmp_path / "store"), "--out", str(tmp_path / "run"), "--json")
            assert code == 3
            assert json.loads(out)["kind"] == "canary"
            assert (tmp_path / "run" / "report.html").exists()
            await asyncio.sleep(0.2)
        stages = [json.loads(body)["stage"] for _, body in heard]
        assert stages[:2] == ["SHADOW", "SHADOW"]  # the first was answered with an error, and came again
        assert json.loads(heard[0][1])["id"] == json.loads(heard[1][1])["id"]
        assert "HOLD" in stages
        when, _, mac = heard[-1][0]["x-wolfnote-signature"].removeprefix("t=").partition(",v1=")
        assert mac == signature(b"a-secret-for-hooks", when, heard[-1][1])

    asyncio.run(main())


def test_a_killed_gateway_loses_at_most_what_was_in_flight(tmp_path: Path) -> None:
    """SIGKILL under traffic, then the same command: the evidence goes on, the log holds, and what was lost is counted."""

    async def main() -> None:
        stable, canary = Scripted("stable"), Scripted("canary")
        async with served(stable) as one, served(canary) as two, aiohttp.ClientSession() as client:
            config = configured(tmp_path, one, two)
            counts = []
            for _ in range(2):
                async with Process(config) as gateway:
                    for n in range(60):
                        assert (await ask(client, gateway.front, f"question {len(counts)} {n}"))[0] == 200
                    await asyncio.sleep(1.5)
                    _, out, _ = await run("status", "--config", str(config), "--json")
                    counts.append(json.loads(out)["counts"])
                    for n in range(5):
                        await ask(client, gateway.front, f"late {len(counts)} {n}")
                    gateway.process.kill()
            assert counts[0]["canary.units"] == 60
            assert counts[1]["canary.units"] + counts[1].get("lost", 0) >= 120
            assert counts[1]["canary.units"] <= 125
            code, _, said = await run("replay", str(tmp_path / "store"), "--out", str(tmp_path / "run"))
            assert code == 3, said

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[stable]\nurl = "ftp://x"\n', "stable.url: not a server"),
        ('[stabel]\nurl = "x"\n', "did you mean stable"),
        ('preset = "artcle"\n', "known: article"),
        ('[stable]\nurl = "http://a/v1"\nmodel = "m"\n[canary]\nurl = "http://a/v1"\nmodel = "m"\n', "the same model"),
        ('[stable]\nurl = "http://a/v1"\nkey_env = "NOT_SET_AT_ALL"\n', "NOT_SET_AT_ALL is not set"),
        ('[stable]\nurl = "http://user:pass@a/v1"\n', "not a server"),
        ("[limits]\nerror = 2.0\n", "limits.error"),
        ('[[keys]]\nname = "a"\nhash = "abc"\n', "hash"),
    ],
)
def test_a_wrong_configuration_is_one_line(tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake names its place and the way out, with exit code 2, before anything listens."""
    from wolfnote import cli

    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["wolfnote", "canary", "serve", "--config", str(path)])
        cli.main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("no chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


def watch(link: str) -> dict[str, Any]:
    """Open the dashboard, look at a pair, and kill the canary, as a person would."""
    from playwright.sync_api import expect

    found: dict[str, Any] = {"errors": []}
    with browser() as opened:
        page = opened.new_page()
        page.on("console", lambda message: found["errors"].append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: found["errors"].append(str(error)))
        page.goto(link)
        expect(page.locator("#stage")).to_have_text("SHADOW", timeout=15_000)
        expect(page.locator("#units")).to_have_text("4", timeout=15_000)
        page.click("#again")
        page.wait_for_selector(".pair")
        found["url"], found["pair"] = page.url, page.locator(".pair").first.inner_text()
        found["script"] = page.locator("img").count()
        page.click("#kill")
        page.wait_for_selector("#sure[open]")
        page.click("#no")
        found["unharmed"] = page.locator("#stage").inner_text()
        page.click("#kill")
        page.fill("#reason", "it looked odd")
        page.click("#yes")
        expect(page.locator("#stage")).to_have_text("HOLD", timeout=15_000)
        found["why"] = page.locator("#why").inner_text()
    return found


def test_the_dashboard_shows_pairs_and_kills_after_asking(tmp_path: Path) -> None:
    """In a real browser: no error, no script of a stranger's, no secret in the address, one refusal and one kill, by name."""

    async def main() -> None:
        stable, canary = Scripted("stable"), Scripted("canary")
        async with served(stable) as one, served(canary) as two, aiohttp.ClientSession() as client:
            config = configured(tmp_path, one, two)
            async with Process(config) as gateway:
                for n in range(4):
                    await ask(client, gateway.front, f"<img src=x onerror='window.hacked=1'> number {n}")
                found = await asyncio.to_thread(watch, gateway.link)
                with pytest.raises(urllib.error.HTTPError, match="401"):
                    await asyncio.to_thread(urllib.request.urlopen, gateway.link.partition("?")[0] + "canary/state")
        assert found["errors"] == []
        assert found["script"] == 0  # what a stranger wrote is text
        assert "<img src=x" in found["pair"]
        assert "token" not in found["url"]
        assert found["unharmed"] == "SHADOW"
        assert found["why"].startswith("it looked odd")

    asyncio.run(main())
