"""100,000 malformed and hostile rows: no crash, every line that is not blank is a row or counted as none, the page stays text.

A third comes from Hypothesis (the strategies of tests/audit/test_hostile_rows.py), the rest are the rows made by hand there
(JSON bombs, surrogates, escapes, markup, injections) cut, flipped and spliced at random; some are 10 MB long. The audit runs in
a process of its own, so that a crash is seen, and so is its memory.

.venv/bin/python benchmarks/hostile.py [--rows 100000] [--long 3] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import audit as bench

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "audit"))
from test_hostile_rows import BY_HAND, LINE, READABLE

from wolfnote import report

AT_ONCE = 200
LONGEST = 4000
"""Letters of a row made by hand that are kept, so that a hundred thousand of them fit on a disk; --long rows stay whole."""
SPLICES = [
    "\\ud800",
    "\x1b[2J",
    "<script>",
    "\u202e",
    '"role": "assistant"',
    "{{",
    "'; DROP TABLE rows; --",
    "\x00",
    "[" * 500,
    "9" * 400,
]


def generated(count: int, number: int) -> list[str]:
    """Lines as Hypothesis makes them."""
    found: list[str] = []

    @seed(number)
    @settings(max_examples=max(1, count // AT_ONCE), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(LINE, min_size=AT_ONCE, max_size=AT_ONCE))
    def collect(lines: list[str]) -> None:
        found.extend(lines)

    collect()
    return found[:count]


def mutated(count: int, draw: random.Random) -> Iterator[str]:
    """Rows made by hand, and plain ones: cut, flipped and spliced."""
    sources = [
        *(line[:LONGEST] for line in BY_HAND),
        *(json.dumps(row, ensure_ascii=draw.random() < 0.5)[:LONGEST] for row in READABLE),
    ]
    sources += [line.decode().strip() for line in bench.rows(200)]
    for _ in range(count):
        line = draw.choice(sources)
        for _ in range(draw.randint(0, 3)):
            at = draw.randint(0, len(line))
            kind = draw.random()
            if kind < 0.3:
                line = line[:at]
            elif kind < 0.6:
                line = line[:at] + chr(draw.randint(1, 0x2FFF)) + line[at + 1 :]
            else:
                line = line[:at] + draw.choice(SPLICES) + line[at:]
        yield line


def write(path: Path, count: int, long: int, number: int) -> int:
    """The file; how many of its lines are not blank."""
    draw = random.Random(number)  # noqa: S311 - not a secret
    lines = generated(count // 3, number)
    lines += mutated(count - len(lines), draw)
    lines += [
        json.dumps({"messages": [{"role": "user", "content": "x" * 10_000_000}, {"role": "assistant", "content": "y"}]})
    ] * long
    draw.shuffle(lines)
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    path.write_bytes(data)
    return sum(bool(line.strip()) for line in data.split(b"\n"))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--long", type=int, default=3)
    options.add_argument("--seed", type=int, default=0)
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "hostile.jsonl", Path(folder) / "run"
        lines = write(data, wanted.rows, wanted.long, wanted.seed)
        print(f"{lines:,} lines that are not blank, {data.stat().st_size / 1e6:.0f} MB", flush=True)
        start = time.perf_counter()
        process, peak = bench.start_audit(data, out), [0.0]
        watch = threading.Thread(target=bench.memory, args=(process, peak), daemon=True)
        watch.start()
        code = process.wait()
        watch.join()
        print(f"exit code {code}, {time.perf_counter() - start:.0f} s, peak {peak[0]:.0f} MB in all processes")
        if code:
            sys.exit("the audit failed")
        table = f"{out}/tables/coverage.parquet"
        rows, unread = duckdb.sql(f"SELECT count(row), count(*) - count(row) FROM '{table}'").fetchall()[0]  # noqa: S608
        print(f"rows {rows:,}, unread {unread:,}, lines not accounted for {lines - rows - unread}")
        for n, reason in duckdb.sql(
            f"SELECT count(*) n, left(reason, 70) r FROM '{table}' WHERE row IS NULL GROUP BY r ORDER BY n DESC LIMIT 8"  # noqa: S608
        ).fetchall():
            print(f"  {n:8,} {reason}")
        page = report.render(out)
        found = [bad for bad in ("<script", "<img", "\x1b", "onerror=alert(1)>") if bad in page]
        print(f"page of {len(page):,} letters; markup of the rows in it that is live: {found or 'none'}")
        if lines != rows + unread or found:
            sys.exit("not every line is accounted for")


if __name__ == "__main__":
    main()
