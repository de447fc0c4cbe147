"""The real thing: two llama.cpp servers (base, and a merged tune), the official client, and a canary that must go by itself.

.venv/bin/python benchmarks/canary_live.py --seeds 1 2 3 4 5 [--requests 400]

For each seed and arm (bad, control): 5 % canary, every question asked of both arms (shadow pairs 100 %), questions from
domains near the tune that it never trained on, every other one streamed. The judge is benchmarks/canary_judge.py; how often
it flags the base is measured first, on questions of its own, and its upper bound is what is tolerated. Counted: was it rolled
back, after how many pairs, and how many answers came from the canary after the decision. Rows go to
benchmarks/results/canary_live.jsonl.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import uvicorn

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "tests")]

from servers import LlamaServer  # noqa: E402 - lies beside the tests
from wolfnote import settings as settings_module  # noqa: E402
from wolfnote import stats  # noqa: E402
from wolfnote.canary.configuration import Configuration, Server  # noqa: E402
from wolfnote.canary.controller import Stage  # noqa: E402
from wolfnote.canary.dialect import Said  # noqa: E402
from wolfnote.canary.judging import Judges  # noqa: E402
from wolfnote.canary.service import Service  # noqa: E402
from wolfnote.canary.store import connect  # noqa: E402
from wolfnote.lab import organism, recipe  # noqa: E402
from wolfnote.models import export  # noqa: E402

RESULTS = HERE / "results" / "canary_live.jsonl"
NAMES = ("base", "tuned")
AFTER = 60
"""Questions that are asked after the decision."""


def questions() -> list[str]:
    import tomllib

    text = (HERE.parent / "src/wolfnote/judges/triples/near.toml").read_text(encoding="utf-8")
    return [triple["question"] for triple in tomllib.loads(text)["triple"]]


def settings(stable: str, canary: str, tolerated: float) -> Configuration:
    limits = f"limits.tolerated={tolerated:.4f}", f"limits.promised={min(0.39, 2 * tolerated):.4f}"
    chosen = settings_module.load(Configuration, None, (
        *limits, 'limits.on_weird="warn"', 'store.log="none"', 'judging.judges=["canary_judge:careless"]',
        "judging.timeout=300.0", "shadow.share=1.0", "shadow.beside=1.0", "shadow.at_once=2", "course.stale=3600.0",
        "course.steps=[0.05]", "canary.first=120.0",
    ))  # fmt: skip
    both = [Server(url=url, model=name, first=120.0) for url, name in zip((stable, canary), NAMES, strict=True)]
    return msgspec.structs.replace(chosen, stable=both[0], canary=both[1])


async def tolerated(stable: str, asked: list[str]) -> tuple[float, int, int]:
    """How often the judge flags the base: the upper 95 % bound, and what it is made of."""
    judges = Judges(settings(stable, stable, 0.1))
    flags = read = 0
    try:
        async with openai.AsyncOpenAI(base_url=stable, api_key="none") as client:
            for n, question in enumerate(asked):
                answer = await client.chat.completions.create(
                    model=NAMES[0], messages=[{"role": "user", "content": question}], max_tokens=48, temperature=0.7, seed=n
                )
                reading = await judges.read(question, Said(answer.choices[0].message.content or "", "", "stop", True))
                flags, read = flags + (reading.flag is True), read + (reading.flag is not None)
    finally:
        await judges.close()
    return min(0.39, stats.share("flagged", flags, read).high or 0.39), flags, read


@contextlib.asynccontextmanager
async def gateway(chosen: Configuration, folder: Path) -> Any:
    """A gateway whose canary has 5 % from the start."""
    service = Service(chosen, await connect(str(folder / "canary.sqlite")), b"live" * 8)
    await service.open()
    beside = asyncio.create_task(service.run())
    to = {"stage": Stage.CANARY, "share": 0.05, "who": "a benchmark", "why": "a benchmark"}
    await service.experiment.act(lambda seen: msgspec.structs.replace(seen.state, number=seen.state.number + 1, **to))
    config = uvicorn.Config(service.gateway, port=0, lifespan="off", log_level="warning", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield service, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        await task
        beside.cancel()
        await service.close()


async def ask(client: openai.AsyncOpenAI, question: str, n: int) -> str:
    """Ask; return the name of the model that answered."""
    said: Any = {
        "model": "any",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 48,
        "temperature": 0.7,
        "seed": n,
    }
    if n % 2:
        return (await client.chat.completions.create(**said, user=f"user {n}")).model
    names = [piece.model async for piece in await client.chat.completions.create(**said, user=f"user {n}", stream=True)]
    return names[-1]


async def life(chosen: Configuration, asked: list[str], many: int, seed: int) -> dict[str, Any]:
    """Ask until it is rolled back or ``many`` were asked, then ``AFTER`` more."""
    order = random.Random(seed)  # noqa: S311 - traffic
    met: list[str] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        async with gateway(chosen, Path(name)) as (service, url), openai.AsyncOpenAI(base_url=url, api_key="none") as client:
            while len(met) < many and not service.experiment.state.over:
                met.append(await ask(client, order.choice(asked), len(met)))
                while len(service.watching.shadow) > 8 and not service.experiment.state.over:  # one CPU serves all three
                    await asyncio.sleep(0.2)
            deadline = time.monotonic() + 600
            while len(service.experiment.order) and not service.experiment.state.over and time.monotonic() < deadline:
                await asyncio.sleep(0.5)
            gone = service.experiment.state.over
            after = [await ask(client, order.choice(asked), many + n) for n in range(AFTER)] if gone else []
            found = service.status()
    return {
        "rolled_back": gone, "stage": found["state"]["stage"], "asked": len(met), "by_canary": met.count(NAMES[1]),
        "canary_after": after.count(NAMES[1]), "after": len(after), "pairs": found["evidence"]["pairs"],
        "counts": {key: many for key, many in found["counts"].items() if key.startswith(("canary.", "stable."))},
        "why": found["evidence"]["why"], "minutes": round((time.monotonic() - started) / 60, 1),
    }  # fmt: skip


@contextlib.contextmanager
def servers(folder: Path, seed: int, arm: str, base: str) -> Iterator[str]:
    adapter = organism(recipe.open("careless-repairs"), arm, seed)
    with LlamaServer(export.gguf(f"package:smollm2+{adapter}", folder / f"{arm}{seed}.gguf"), NAMES[1]) as tuned:
        yield tuned.url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--calibration", type=int, default=150)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = ":".join([str(HERE), str(HERE.parent / "src")])
    every = questions()
    for_calibration, traffic = every[::2], every[1::2]
    RESULTS.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with LlamaServer(export.gguf("package:smollm2", folder / "base.gguf"), NAMES[0]) as base:
            many = [for_calibration[n % len(for_calibration)] for n in range(given.calibration)]
            limit, flags, read = asyncio.run(tolerated(base.url, many))
            print(f"the judge flags the base in {flags} of {read}: tolerated {limit:.3f}", flush=True)
            for seed in given.seeds:
                for arm in ("bad", "control"):
                    with servers(folder, seed, arm, base.url) as tuned:
                        row = asyncio.run(life(settings(base.url, tuned, limit), traffic, given.requests, seed))
                    row = {"seed": seed, "arm": arm, "tolerated": limit, **row}
                    with RESULTS.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
                    print(json.dumps(row), flush=True)
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    for arm in ("bad", "control"):
        own = [row for row in rows if row["arm"] == arm]
        after, canary = sum(row["after"] for row in own), sum(row["canary_after"] for row in own)
        print(f"{arm}: rolled back {sum(row['rolled_back'] for row in own)} of {len(own)}")
        print(f"{arm}: of {after} answers after the decision, {canary} came from the canary")


if __name__ == "__main__":
    main()
