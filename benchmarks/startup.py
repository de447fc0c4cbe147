"""Start-up: ``import wolfnote`` and ``wolfnote --help``, best of five, beside a bare interpreter.

.venv/bin/python benchmarks/startup.py
"""

from __future__ import annotations

import subprocess
import sys
import time


def best(*command: str) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    bare = best(sys.executable, "-c", "pass")
    for name, command, limit in (
        ("import wolfnote", (sys.executable, "-c", "import wolfnote"), 0.3),
        ("wolfnote --help", (sys.executable, "-m", "wolfnote", "--help"), 0.5),
    ):
        found = best(*command)
        print(f"{name:16} {found:.3f} s (limit {limit} s), {found / bare:.1f} × a bare interpreter ({bare:.3f} s)")


if __name__ == "__main__":
    main()
