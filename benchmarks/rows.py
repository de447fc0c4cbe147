"""Rows streamed from each container, as MB/s and peak memory, and as a ratio to a bare msgspec decode loop over the same JSONL.

Each figure is from a fresh process. The bare loop only decodes lines; reading also checks the shape, hashes the content into an
id and makes the sample.

.venv/bin/python benchmarks/rows.py [--megabytes 1000]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import string
import subprocess
import sys
import tempfile
from pathlib import Path

from wolfnote import records

MEASURE = """
import re, sys, time
path, how = sys.argv[1:]
rows = 0
if how == "bare":
    import msgspec
    decode = msgspec.json.Decoder().decode
    start = time.perf_counter()
    for line in open(path, "rb"):
        decode(line)
        rows += 1
else:
    from wolfnote import records
    start = time.perf_counter()
    for row in records.read(path):
        rows += not isinstance(row, records.Unread)
seconds = time.perf_counter() - start
peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(seconds, rows, peak)
"""


def block(rows: int) -> bytes:
    """Chats of about 1 kB with a few line ends, quotes and letters beyond ASCII, as support data have them."""
    draw = random.Random(0)  # noqa: S311 - not a secret
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 9))) for _ in range(2000)]
    words += ["été", '"so"', "ok.\n"]
    lines = []
    for _ in range(rows):
        question, answer = (" ".join(draw.choices(words, k=n)) for n in (40, 120))
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        lines.append(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def measure(path: Path, how: str = "read") -> tuple[float, int, float]:
    out = subprocess.run([sys.executable, "-c", MEASURE, str(path), how], capture_output=True, text=True, check=True)
    seconds, rows, peak = out.stdout.split()
    return float(seconds), int(rows), float(peak)


def show(name: str, size: int, found: tuple[float, int, float], note: str = "") -> None:
    seconds, rows, peak = found
    speed = size / 1e6 / seconds
    print(f"{name:14} {size / 1e6:6.0f} MB {speed:6.0f} MB/s {rows / seconds:8.0f} rows/s {peak:5.0f} MB peak {note}")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--megabytes", type=int, default=1000)
    megabytes = options.parse_args().megabytes
    chats = block(20_000)
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "large.jsonl", Path(folder) / "small.jsonl"
        with large.open("wb") as out:
            while out.tell() < megabytes * 1e6:
                out.write(chats)
        small.write_bytes(chats)
        bare, read = measure(large, "bare"), measure(large)
        show("bare decode", large.stat().st_size, bare)
        show("JSONL", large.stat().st_size, read, f"{read[0] / bare[0]:.1f} × the time of the bare loop")
        packed = small.with_suffix(".jsonl.gz")
        packed.write_bytes(gzip.compress(chats, 6))
        for suffix, form in ((".json", "openai"), (".csv", "prompt-completion"), (".parquet", "openai")):
            records.write(records.read_all(small)[0], small.with_suffix(suffix), form)
        for path in (packed, *(small.with_suffix(suffix) for suffix in (".json", ".csv", ".parquet"))):
            show(path.name.removeprefix("small."), len(chats), measure(path), "(MB of its JSONL)")


if __name__ == "__main__":
    main()
