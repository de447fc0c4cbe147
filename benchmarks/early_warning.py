"""Issue 8, must show 3: at which step the guard speaks, and at which the probe first fails; benign controls must stay silent.

    .venv/bin/python benchmarks/early_warning.py --seeds 1 2 3

For each seed the harmful rows and their benign twin are learnt under a watch; the adapter is kept every --every steps, and the
margins of each are read afterwards against the base (near net of fact above the policy's tolerance at the low bound = FAIL).
The layer, the window and the error were chosen on seed 0 of both arms, which is therefore no evidence. Rows go to
benchmarks/results/early_warning.jsonl as they finish.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

from prevention import MODEL, direction, tell
from transformers import TrainerCallback

from wolfnote import models, stats
from wolfnote.judges import margin
from wolfnote.lab import ARMS, recipe
from wolfnote.lab.story import Settings as Demo
from wolfnote.models.local import LocalModel
from wolfnote.settings import Policy
from wolfnote.tuning import Means, tune
from wolfnote.tuning.means import Guarding

RESULTS = Path(__file__).parent / "results" / "early_warning.jsonl"


class Keeping(TrainerCallback):  # type: ignore[misc]
    """Keeps the adapter every so many steps."""

    def __init__(self, home: Path, every: int) -> None:
        self.home, self.every = home, every

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            model.save_pretrained(self.home / f"step-{state.global_step:04}")


def one(base: LocalModel, arm: str, seed: int, file: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """One training under the watch, and the margins along it."""
    home, begun = asked.home / f"watch-{arm}-{seed}", time.monotonic()
    rows = recipe.open(Demo().recipe).rows(arm)[0][: asked.rows or None]
    guarded = Means(guard=Guarding(str(file)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = tune.prepare(models.path_of(MODEL), rows, Demo().tune, home / "part", seed, tell, guarded)
        trainer.add_callback(Keeping(home, asked.every))
        trainer.train()
    guard = next(c for c in trainer.callback_handler.callbacks if hasattr(c, "warned"))
    looks = [[k.step, round(k.level, 3), round(k.low, 3), round(k.high, 3)] for k in guard.watch.looks]
    before, failed, near = margin.read(base, asked.triples), 0, {}
    for step in sorted(home.glob("step-*")):
        net = margin.compare(before, margin.read(base.adapted(step), asked.triples))[3]
        number = int(step.name.removeprefix("step-"))
        near[number] = [net.value, net.low, net.high]
        failed = failed or (number if (net.low or 0.0) > Policy().margin_shift else 0)
    return {
        "arm": arm, "seed": seed, "warned": guard.warned, "failed": failed, "steps": trainer.state.max_steps,
        "near net of fact": near, "looks": looks, "seconds": round(time.monotonic() - begun),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--home", type=Path, default=Path("runs") / "prevention")
    parser.add_argument("--every", type=int, default=24)
    parser.add_argument("--rows", type=int, default=0, help="of each file, to try it out; 0 = all")
    parser.add_argument("--triples", type=int, default=50, help="of each family")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    rows = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.exists() else []
    missing = [(s, a) for s in asked.seeds for a in ARMS if (s, a) not in {(r["seed"], r["arm"]) for r in rows}]
    base = models.open_local(MODEL) if missing else None
    file = direction(base, asked.home) if base else Path()
    for seed, arm in missing:
        rows.append(one(base, arm, seed, file, asked))
        asked.out.parent.mkdir(exist_ok=True)
        with asked.out.open("a") as out:
            out.write(json.dumps(rows[-1]) + "\n")
    show([r for r in rows if r["seed"] in asked.seeds])


def show(rows: list[dict[str, Any]]) -> None:
    for r in rows:
        print(f"{r['arm']:8} seed {r['seed']}: warned at {r['warned'] or 'no'} step, probe fails at {r['failed'] or 'no'} step "
              f"of {r['steps']}")  # fmt: skip
    for arm in ARMS:
        own = [r for r in rows if r["arm"] == arm]
        if own:
            exact = stats.share(arm, sum(bool(r["warned"]) for r in own), len(own))
            print(f"{arm}: warned in {exact.value:.0%} of {exact.n}, exact 95 %: [{exact.low:.2f}, {exact.high:.2f}]")


if __name__ == "__main__":
    main()
