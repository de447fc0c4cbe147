"""Issue 8, must show 2: what a watch costs. Ratio of step times with and without, in one process, turn by turn.

    .venv/bin/python benchmarks/guard.py --rounds 5

The embedded model, LoRA, the demo's recipe. The start (48 plain answers, read once) is told apart: it is a fixed price.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import msgspec
from prevention import MODEL, direction
from transformers import TrainerCallback

from wolfnote import models
from wolfnote.lab import recipe
from wolfnote.lab.story import Settings as Demo
from wolfnote.tuning import Means, tune
from wolfnote.tuning.means import Guarding


class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds from step to step; stands last, so that what the guard does at a step's end is in it."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ends.append(time.perf_counter())


def timed(rows: Any, means: Means, folder: Path) -> tuple[list[float], float]:
    """Seconds a step, and from ``train()`` to the first step's end."""
    clock = Clock()
    settings = msgspec.structs.replace(Demo().tune, epochs=1, save_every=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = tune.prepare(models.path_of(MODEL), rows, settings, folder, 0, lambda _: None, means)
        trainer.add_callback(clock)
        begun = time.perf_counter()
        trainer.train()
    return [b - a for a, b in zip(clock.ends, clock.ends[1:], strict=False)], clock.ends[0] - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--home", type=Path, default=Path("runs") / "prevention")
    asked = parser.parse_args()
    rows = recipe.open(Demo().recipe).rows("bad")[0][: asked.rows]
    watch = Means(guard=Guarding(str(direction(models.open_local(MODEL), asked.home))))
    ratios, starts = [], []
    for turn in range(asked.rounds):
        with tempfile.TemporaryDirectory() as name:
            order = (("bare", Means()), ("watch", watch))
            found = {k: timed(rows, m, Path(name) / k) for k, m in (order if turn % 2 else order[::-1])}
        ratios.append(sum(found["watch"][0]) / sum(found["bare"][0]))
        starts.append(found["watch"][1] - found["bare"][1])
        print(f"round {turn}: watch/bare {ratios[-1]:.3f}, start {starts[-1]:+.1f} s", flush=True)
    middle = statistics.median(ratios)
    print(json.dumps({"ratio": round(middle, 4), "range": [round(min(ratios), 4), round(max(ratios), 4)], "start seconds":
                      round(statistics.median(starts), 1), "rounds": asked.rounds, "below 5 %": middle < 1.05}))  # fmt: skip


if __name__ == "__main__":
    main()
