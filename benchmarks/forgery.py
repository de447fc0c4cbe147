"""How often ``wolfnote verify`` notices that a bundle was changed: at random, and by somebody who makes every hash again.

    PYTHONPATH=src:tests nice -n 10 python benchmarks/forgery.py --mutations 1000

Prints how many of so many were caught, with the exact 95 % interval, and by which words; then time a bundle. Every one goes
through the whole of ``verify``; the forgeries are those of ``tests/forging.py``.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from checked import WAIVER, checked
from forging import FORGERIES, mutate, reseal
from wolfnote import InputError, bundle, stats


def caught(root: Path) -> str:
    """What was said of a bundle that is not what it was; "" when it passed."""
    try:
        told = bundle.verify(root)
    except InputError as error:
        return str(error)
    return told.faults[0] if told.faults else ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what is said of each")
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory() as home:
        run = checked(Path(home) / "c", WAIVER.partition(",{")[0] + "]", "audit.limit=40", shift=0.6, harmful=20, repeat=True)
        written = Path(home) / "bundle"
        started = time.perf_counter()
        bundle.write(run, written)
        wrote = time.perf_counter() - started
        started = time.perf_counter()
        if bundle.verify(written).exit_code:
            sys.exit("the untouched bundle must verify")
        print(f"written in {wrote:.2f} s, verified in {time.perf_counter() - started:.2f} s, untouched: exit code 0")
        found = [_tried(written, Path(home) / "m", lambda root: mutate(root, rng), given.show) for _ in range(given.mutations)]
        _tell("random mutations", found)
        found = [
            _tried(written, Path(home) / "f", lambda root, what=what: _forge(root, what), given.show) for what in FORGERIES
        ]
        _tell("consistent forgeries", found)


def _forge(root: Path, what: str) -> str:
    forge, remake, _ = FORGERIES[what]
    forge(root)
    reseal(root, remake=remake)
    return what


def _tried(written: Path, copy: Path, change: object, show: bool) -> bool:
    shutil.copytree(written, copy)
    what = change(copy)  # type: ignore[operator]
    said = caught(copy)
    shutil.rmtree(copy)
    if show or not said:
        print(f"  {what}: {said or 'NOT NOTICED'}")
    return bool(said)


def _tell(name: str, found: list[bool]) -> None:
    share = stats.share(name, sum(found), len(found))
    print(f"{name}: {sum(found)} of {len(found)} named [{share.low:.1%}, {share.high:.1%}]")


if __name__ == "__main__":
    main()
