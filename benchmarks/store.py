"""The completion store: records a second in and out, memory, and the ratio to writing the same lines without a store.

.venv/bin/python benchmarks/store.py [--records 200000]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import msgspec

from wolfnote.models import Question, Sampling
from wolfnote.models.store import Entry, Store
from wolfnote.records import Completion, chat

HOW = Sampling()


def entries(count: int) -> list[Entry]:
    """Answers of about 250 characters."""
    text = "a plain answer of the length that a small model gives to a short question. " * 3
    made = []
    for i in range(count):
        question = Question(f"q{i}", chat(f"question number {i}, of the usual length and with nothing special in it?"))
        made.append(Entry(f"{i:032x}", "template", question.messages, HOW, Completion(question.id, "weights", text, i, "stop")))
    return made


def main() -> None:
    """Print the figures (goal: 5,000 records a second)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=200_000)
    made = entries(parser.parse_args().records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.jsonl"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        with Store.hold(path) as store:
            for entry in made:
                store.put(entry)
        put = time.perf_counter() - start
        start = time.perf_counter()
        with Store.hold(path) as store:
            opened = time.perf_counter() - start
            start = time.perf_counter()
            for entry in made:
                store.get(entry.key)
            got = time.perf_counter() - start
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        start = time.perf_counter()
        with (Path(folder) / "bare.jsonl").open("wb") as out:
            for entry in made:
                out.write(msgspec.json.encode(entry) + b"\n")
        bare = time.perf_counter() - start
        size = path.stat().st_size / 1e6
    n = len(made)
    print(f"{n} records, {size:.0f} MB: put {n / put:,.0f}/s (goal 5,000; {put / bare:.1f} × a bare buffered write), "
          f"open {n / opened:,.0f}/s, get {n / got:,.0f}/s, memory + {memory:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
