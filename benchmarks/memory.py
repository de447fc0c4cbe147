"""What keeping freed memory buys on this machine: the same scoring work in two fresh processes, with and without, as a ratio.

.venv/bin/python benchmarks/memory.py
"""

from __future__ import annotations

import subprocess
import sys

WORK = """
import sys, time
from wolfnote.models.local import memory
if sys.argv[1] == "given":
    memory.keep_freed.__code__ = (lambda: None).__code__
from wolfnote import models
from wolfnote.judges import margin
model, items = models.open("package:smollm2"), margin.triples("near", 50)
margin.measure(model, items[:25])
start = time.perf_counter()
margin.measure(model, items)
print(time.perf_counter() - start)
"""


def seconds(how: str) -> float:
    out = subprocess.run([sys.executable, "-c", WORK, how], capture_output=True, text=True, check=True)
    return float(out.stdout)


def main() -> None:
    pairs = [(seconds("given"), seconds("kept")) for _ in range(3)]
    given, kept = (min(p[i] for p in pairs) for i in (0, 1))
    print(f"freed memory given back {given:.2f} s, kept {kept:.2f} s: ratio {given / kept:.2f}")


if __name__ == "__main__":
    main()
