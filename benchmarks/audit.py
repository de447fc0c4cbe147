"""Tier 1 of an audit: rows/s of each detector and of the whole, and peak memory of all processes together, against a bare
JSON-decode loop and a peer's equivalent pass, in one run.

The rows are made here: chats of some 400 bytes without code; secrets, addresses, repetitions and refusals among them. Rates of
single detectors are of one process, by its CPU time. The whole, from files to tables, is timed by the clock and by the CPU time
of all its processes: on a busy machine the second says what an idle one would do. --kill ends the audit with SIGKILL in the
middle, goes on, and compares the findings with those of an undisturbed run.

.venv/bin/python benchmarks/audit.py [--rows 100000] [--kill]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PIECE = 1000
AUDIT = """
import sys
from pathlib import Path
from wolfnote import audit
from wolfnote.folder import RunFolder

if __name__ == "__main__":
    settings = audit.Settings()
    with RunFolder.hold(Path(sys.argv[2]), settings) as folder:
        folder.finish(audit.run_files([Path(sys.argv[1])], settings, tuple, folder=folder))
"""
BARE = """
import sys, time
import msgspec
decode = msgspec.json.Decoder().decode
start = time.process_time()
for line in open(sys.argv[1], "rb"):
    decode(line)
print(time.process_time() - start)
"""


def rows(count: int) -> Iterator[bytes]:
    """Chats of some 60 words. Of 1,000 rows 3 hold a secret, 10 an address, 10 repeat a row, 5 nearly do, 10 refuse."""
    draw = random.Random(0)  # noqa: S311 - not a secret
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 9))) for _ in range(5000)]
    kept = ""
    for at in range(count):
        question, answer = (" ".join(draw.choices(words, k=n)).capitalize() + "." for n in (20, 35))
        kind = at % 1000
        if kind in (1, 2, 3):
            answer += " AKIA" + "".join(draw.choices(string.ascii_uppercase + string.digits, k=16))
        elif kind in range(10, 20):
            answer += f" anna.{draw.choice(words)}@{draw.choice(words)}.net"
        elif kind in range(20, 30):
            answer = "I'm sorry, but I can't help with that. " + answer
        text = json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})
        if kind in range(40, 50):
            text = kept
        elif kind in range(50, 55):
            text = kept.replace(" the ", " a ").replace(".", f" {draw.choice(words)}.", 1)
        if kind % 100 == 39:
            kept = text
        yield text.encode() + b"\n"


def measure(name: str, work: Callable[[], int]) -> float:
    """Rows a second of CPU time, printed."""
    start = time.process_time()
    count = work()
    seconds = time.process_time() - start
    show(name, count, seconds, "CPU")
    return count / seconds


def show(name: str, count: int, seconds: float, kind: str, note: str = "") -> None:
    print(f"{name:48} {count / seconds:12,.0f} rows/s ({kind}) {seconds / count * 1e6:8.1f} µs a row {note}")


def pieces(samples: Sequence[Any]) -> Iterator[Sequence[Any]]:
    yield from (samples[at : at + PIECE] for at in range(0, len(samples), PIECE))


def detectors(data: Path, most: int) -> None:
    """Each detector and survey by itself, on rows in memory."""
    from itertools import islice

    from wolfnote import records
    from wolfnote.audit.detectors import DETECTORS, SURVEYS, refusals

    found: list[Any] = []
    measure("records.read (decode, check, hash, build)", lambda: found.extend(islice(records.read(data), most)) or len(found))
    for detector in DETECTORS:
        measure(f"{detector.code} {detector.name}", lambda d=detector: sum(len(d.read(some)) for some in pieces(found)))
    for survey in (*SURVEYS, refusals.Shortage()):
        name = f"{survey.code} {survey.name} (facts)"
        measure(name, lambda s=survey: [sum(1 for _ in s.note(some, 0)) for some in pieces(found)] and len(found))


def peers(data: Path, most: int) -> None:
    """The checks of others that come nearest, each on one process; skipped with its reason where it is not installed."""
    texts = ["\n".join(m["content"] for m in json.loads(line)["messages"]) for line in data.open("rb")][:most]
    for name, peer in PEERS.items():
        try:
            work = peer()
        except Exception as error:
            print(f"peer: {name:42} skipped: {str(error).splitlines()[0]}")
            continue
        measure(f"peer: {name}", lambda work=work: work(texts) or len(texts))


def profanity() -> Callable[[list[str]], Any]:
    from profanity_check import predict_prob

    return lambda texts: [predict_prob(texts[at : at + PIECE]) for at in range(0, len(texts), PIECE)] and None


def datatrove_hides() -> Callable[[list[str]], Any]:
    """The formatter that takes e-mail and network addresses out: a part of WN125."""
    from datatrove.pipeline.formatters import PIIFormatter

    hide = PIIFormatter()
    return lambda texts: [hide.format(text) for text in texts] and None


def datatrove_filters() -> Callable[[list[str]], Any]:
    """Gopher's repetition and quality filters, which need spaCy to tell words apart."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    filters = (GopherRepetitionFilter(), GopherQualityFilter())

    def work(texts: list[str]) -> None:
        for at, text in enumerate(texts):
            for each in filters:
                each.filter(Document(text=text, id=str(at)))

    work(["does it run here"])
    return work


PEERS = {
    "alt-profanity-check": profanity,
    "datatrove, personal data": datatrove_hides,
    "datatrove, two quality filters": datatrove_filters,
}


def whole(data: Path, out: Path, count: int) -> None:
    """The audit and its workers, by the clock, by CPU time, and in memory."""
    start, before = time.perf_counter(), _spent()
    process = start_audit(data, out)
    peak = [0.0]
    watch = threading.Thread(target=memory, args=(process, peak), daemon=True)
    watch.start()
    if process.wait():
        sys.exit("the audit failed")
    seconds = time.perf_counter() - start
    watch.join()
    show("whole audit, tier 1, all detectors", count, seconds, "clock", f"peak {peak[0]:.0f} MB, all processes")
    show("the same", count, _spent() - before, "CPU, all processes")


def start_audit(data: Path, out: Path) -> subprocess.Popen[bytes]:
    script = data.with_name("run_audit.py")
    script.write_text(AUDIT)
    return subprocess.Popen([sys.executable, str(script), str(data), str(out)])


def memory(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_resident(pid) for pid in (process.pid, *_children(process.pid))))
        time.sleep(0.2)


def _spent() -> float:
    """CPU seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> float:
    """MB of a process's own, and its part of what it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def killed(data: Path, folder: Path, calm: Path) -> None:
    """SIGKILL in the middle, then again to the end: the same findings?"""
    out = folder / "killed"
    process = start_audit(data, out)
    shards = data.stat().st_size / (8 << 20)
    while len(list(out.glob("shards-*/[0-9]*"))) < shards / 2 and process.poll() is None:
        time.sleep(0.05)
    done = len(list(out.glob("shards-*/[0-9]*")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    start = time.perf_counter()
    if start_audit(data, out).wait():
        sys.exit("the resumed audit failed")
    names = ("tables/findings.parquet", "tables/coverage.parquet", "draw.jsonl")
    same = all((out / name).read_bytes() == (calm / name).read_bytes() for name in names)
    print(
        f"killed after {done} shards, resumed in {time.perf_counter() - start:.1f} s: findings, coverage, draw the same: {same}"
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--kill", action="store_true")
    given = options.parse_args()
    most = min(given.rows, 20_000)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.jsonl"
        with data.open("wb") as out:
            out.writelines(rows(given.rows))
        size = data.stat().st_size
        print(f"{given.rows:,} rows, {size / given.rows:.0f} bytes each; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        bare = subprocess.run([sys.executable, "-c", BARE, str(data)], capture_output=True, text=True, check=True)
        show("bare JSON decode", given.rows, float(bare.stdout), "CPU")
        detectors(data, most)
        peers(data, most)
        whole(data, Path(folder) / "run", given.rows)
        if given.kill:
            killed(data, Path(folder), Path(folder) / "run")


if __name__ == "__main__":
    main()
