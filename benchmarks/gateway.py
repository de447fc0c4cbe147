"""The gateway's price: CPU a request and requests a core, beside a bare pass-through on the same libraries and LiteLLM's proxy.

.venv/bin/python benchmarks/gateway.py [--seconds 6] [--litellm /tmp/litellm/bin/litellm]

One run, one upstream (uvicorn, a fixed 1 KB answer, or 50 events), wrk with 32 connections and a different user and question
in each request. CPU is user + system time of the proxy's own process, and of its judges' processes beside it, from /proc: on
a busy machine it is the number to trust. The gateway runs with everything on: keys, assignment at 5 %, capture, shadow pairs
for all canary answers, the rules judge, the store on disk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

HERE = Path(__file__).resolve()
TICKS = os.sysconf("SC_CLK_TCK")
TEXT = "The rain falls on the old grey roof, and the cats sleep under it while we wait for the evening train. " * 8
LUA = """
local n = 0
request = function()
  n = n + 1
  local body = string.format('{"model":"base","user":"user-%%d","messages":[{"role":"user","content":"Question %%d: what is new?"}]%s}', n, n)
  return wrk.format("POST", "/v1/chat/completions", {["content-type"]="application/json", ["authorization"]="Bearer %s"}, body)
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%f %%f %%f\\n", summary.requests, summary.errors.status + summary.errors.read + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.duration / 1e6))
end
"""  # noqa: E501


class Measured(NamedTuple):
    """One proxy under one load: CPU in µs a request."""

    name: str
    load: str
    requests: int
    errors: int
    cpu: float
    beside: float
    median: float
    p99: float
    rss: float


def reply() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 160, "total_tokens": 169}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    ).encode()


def events() -> list[bytes]:
    rows = [
        {"delta": {"role": "assistant", "content": ""}},
        *({"delta": {"content": word + " "}} for word in TEXT.split()[:47]),
    ]
    choices = [{"index": 0, "finish_reason": None, **row} for row in rows] + [
        {"index": 0, "finish_reason": "stop", "delta": {}}
    ]
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return [b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n" for choice in choices] + [
        b"data: [DONE]\n\n"
    ]


async def upstream(scope: Any, receive: Any, send: Any) -> None:
    """What answers everything."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message.get("more_body"):
            break
    if b'"stream":true' in body.replace(b" ", b""):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for event in EVENTS:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(REPLY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": REPLY})


REPLY, EVENTS = reply(), events()


class Bare:
    """A pass-through: the same server and client libraries, and nothing between them."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        import aiohttp

        if self.session is None:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        body = (await receive())["body"]
        async with self.session.post(
            self.url + scope["path"], data=body, headers={"content-type": "application/json"}
        ) as response:
            dropped = (b"transfer-encoding", b"date", b"server")
            headers = [(k.lower(), v) for k, v in response.raw_headers if k.lower() not in dropped]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            async for piece in response.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def run_app(app: Any, port: int) -> None:
    config = uvicorn.Config(app, port=port, http="httptools", loop="uvloop", ws="none", lifespan="off", access_log=False,
                            log_level="warning", date_header=False, server_header=False)  # fmt: skip
    uvicorn.Server(config).run()


def run_gateway(folder: str, port: int) -> None:
    """Everything on, and the canary at 5 % by hand: a benchmark has no evidence to show."""
    import msgspec
    import uvloop

    from wolfnote.canary import configuration, running
    from wolfnote.canary.controller import Stage
    from wolfnote.canary.service import Service
    from wolfnote.canary.store import connect

    settings = configuration.load(Path(folder) / "canary.toml")

    async def main() -> None:
        service = Service(settings, await connect(f"{folder}/canary.sqlite"), b"s" * 32)
        await service.open()
        beside = asyncio.create_task(service.run())
        to = {"stage": Stage.CANARY, "share": 0.05, "who": "a benchmark", "why": "a benchmark"}
        await service.experiment.act(lambda seen: msgspec.structs.replace(seen.state, number=seen.state.number + 1, **to))
        running.settle()
        server = running._server(service.gateway)
        server.config.port = port
        await server.serve()
        print(json.dumps(service.status()["counts"] | dict(service.metrics.plain)), file=sys.stderr, flush=True)
        beside.cancel()

    uvloop.run(main())


@contextlib.contextmanager
def started(
    *command: str, port: int, env: dict[str, str] | None = None, patience: float = 60
) -> Iterator[subprocess.Popen[bytes]]:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - read after the process has ended
    process = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).read()
            break
        if _listens(port):
            break
        time.sleep(0.1)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        log.seek(0)
        tail = log.read()[-300:].decode(errors="replace").strip()
        if tail and "--verbose" in sys.argv:
            print(tail)


def _listens(port: int) -> bool:
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text(encoding="ascii")


def cpu(pid: int) -> float:
    """Seconds of CPU of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text(encoding="ascii").rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def load(name: str, pid: int, port: int, key: str, seconds: int, *, streamed: bool) -> Measured:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA % (',"stream":true' if streamed else "", key))
        script.flush()
        command = ["wrk", "-t1", "-c32", "--timeout", "30s", f"-d{seconds}s", "-s", script.name, f"http://127.0.0.1:{port}"]
        subprocess.run([part if part != f"-d{seconds}s" else "-d1s" for part in command], capture_output=True, check=True)
        before, below = cpu(pid), {child: cpu(child) for child in children(pid)}
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        time.sleep(0.5)
        spent = cpu(pid) - before
        beside = sum(cpu(child) - start for child, start in below.items())
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+)", out)
    if found is None:
        raise SystemExit(f"{name}: {out}")
    many = int(found[1])
    rss = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    kind = "50 events" if streamed else "plain"
    return Measured(name, kind, many, int(found[2]), 1e6 * spent / max(many, 1), 1e6 * beside / max(many, 1),
                    float(found[3]), float(found[4]), rss)  # fmt: skip


def alone(port: int, key: str) -> float:
    """Median milliseconds of one request at a time."""
    body = b'{"model":"base","user":"u","messages":[{"role":"user","content":"hi"}]}'
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    for _ in range(300):
        start = time.perf_counter()
        connection.request(
            "POST", "/v1/chat/completions", body, {"content-type": "application/json", "authorization": f"Bearer {key}"}
        )
        connection.getresponse().read()
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[len(times) // 2]


def gateway_folder(folder: Path, port: int) -> str:
    from wolfnote.canary import keys

    key, hashed = keys.new()
    (folder / "canary.toml").write_text(
        f'[stable]\nurl = "http://127.0.0.1:{port}/v1"\nmodel = "base"\n'
        f'[canary]\nurl = "http://127.0.0.1:{port}/v1"\nmodel = "tuned"\n'
        f'[store]\nfolder = "{folder}"\nlog = "requests"\n'
        f'[[keys]]\nname = "wrk"\nhash = "{hashed}"\nper_minute = 100000000\nat_once = 10000\n',
        encoding="utf-8",
    )
    return key


def litellm_config(folder: Path, port: int) -> Path:
    path = folder / "litellm.yaml"
    path.write_text(
        f"model_list:\n  - model_name: base\n    litellm_params:\n      model: openai/base\n      api_base: http://127.0.0.1:{port}/v1\n"
        "      api_key: none\ngeneral_settings:\n  master_key: sk-a-long-enough-master-key-0123456789\n", encoding="utf-8",
    )  # fmt: skip
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--litellm", default="/tmp/litellm/bin/litellm")  # noqa: S108 - read only  # noqa: S108 - read only
    parser.add_argument("--serve", nargs=2, metavar=("WHAT", "WITH"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    if given.serve:
        what, value = given.serve
        if what == "gateway":
            run_gateway(value, given.port)
        else:
            run_app(upstream if what == "upstream" else Bare(value), given.port)
        return
    compare(given.seconds, given.litellm)


def compare(seconds: int, litellm: str) -> None:
    me = [sys.executable, str(HERE)]
    rows: list[Measured] = []
    lone: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, started(*me, "--port", "18200", "--serve", "upstream", "-", port=18200):
        folder = Path(name)
        key = gateway_folder(folder, 18200)
        lone["direct"] = alone(18200, "")
        url = "http://127.0.0.1:18200"
        for who, command, port, secret in (
            ("bare", (*me, "--port", "18201", "--serve", "bare", url), 18201, ""),
            ("wolfnote", (*me, "--port", "18202", "--serve", "gateway", name, "--verbose"), 18202, key),
        ):
            with started(*command, port=port) as process:
                lone[who] = alone(port, secret)
                rows += [load(who, process.pid, port, secret, seconds, streamed=streamed) for streamed in (False, True)]
        if Path(litellm).exists():
            env = os.environ | {"PYTHONPATH": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1"}
            secret = "sk-a-long-enough-master-key-0123456789"  # noqa: S105
            config = str(litellm_config(folder, 18200))
            command = (litellm, "--config", config, "--port", "18203", "--host", "127.0.0.1")
            with started(*command, port=18203, env=env, patience=150) as process:
                lone["litellm"] = alone(18203, secret)
                rows += [load("litellm", process.pid, 18203, secret, seconds, streamed=streamed) for streamed in (False, True)]
    tell(rows, lone)


def tell(rows: list[Measured], lone: dict[str, float]) -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(
        f"{'':10}{'load':>10}{'requests':>10}{'errors':>8}{'µs/req':>9}{'judges':>8}"
        f"{'req/s/core':>12}{'p50 ms':>8}{'p99 ms':>8}{'MB':>6}"
    )
    for row in rows:
        rate = 1e6 / row.cpu if row.cpu else 0
        print(f"{row.name:10}{row.load:>10}{row.requests:>10}{row.errors:>8}{row.cpu:>9.0f}{row.beside:>8.0f}{rate:>12.0f}"
              f"{row.median:>8.1f}{row.p99:>8.1f}{row.rss:>6.0f}")  # fmt: skip
    by = {(row.name, row.load): row for row in rows}
    ours = {kind: by["wolfnote", kind] for kind in ("plain", "50 events")}
    print(f"events/s/core {50e6 / ours['50 events'].cpu:.0f} (goal 40000)")
    print(f"requests/s/core {1e6 / ours['plain'].cpu:.0f} (goal 2000)")
    for kind, row in ours.items():
        ratios = [f"{row.cpu / by['bare', kind].cpu:.2f} × bare (goal 2.5)"]
        if ("litellm", kind) in by:
            ratios.append(f"LiteLLM {by['litellm', kind].cpu / row.cpu:.1f} × ours (goal 10)")
        print(f"{kind}: " + ", ".join(ratios))
    print("one at a time, median ms: " + ", ".join(f"{name} {value:.2f}" for name, value in lone.items()))


if __name__ == "__main__":
    main()
