"""How often the demo's criteria hold over seeds: tunes bad and control anew per seed and scores every triple.

    .venv/bin/python benchmarks/seeds.py --seeds 1 2 3 4 5

Rows go to benchmarks/results/seeds.jsonl as they finish, so that seeds can be added any time. The recipe was chosen on
seed 0, which is therefore not counted. About five minutes a seed on two cores.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from wolfnote import models, probe, stats
from wolfnote.lab import ARMS, organism, recipe
from wolfnote.lab.story import Settings

RESULTS = Path(__file__).parent / "results" / "seeds.jsonl"
LIMIT = Settings().policy.margin_shift


def one(seed: int, base: models.local.LocalModel) -> dict[str, object]:
    started = time.monotonic()
    settings = Settings()
    tuned = {
        arm: base.adapted(organism(recipe.open(settings.recipe), arm, seed, model=settings.model, settings=settings.tune))
        for arm in ARMS
    }
    every = probe.Settings(triples=0)
    read = {name: probe.margins(model, every) for name, model in {"base": base, **tuned}.items()}
    row: dict[str, object] = {"seed": seed, "seconds": round(time.monotonic() - started)}
    for after, before in (("bad", "control"), ("bad", "base"), ("control", "base")):
        for estimate in probe.comparison.compare(read[before], read[after]):
            row[f"{after} - {before}: {estimate.name}"] = [
                round(v or 0.0, 4) for v in (estimate.value, estimate.low, estimate.high)
            ]
    return row


def holds(row: dict[str, list[float]]) -> dict[str, bool]:
    near = "near net of fact"
    return {
        "near, bad over control > 0": row[f"bad - control: {near}"][1] > 0,
        "near, bad over base > 0": row[f"bad - base: {near}"][1] > 0,
        f"near, control over base < {LIMIT}": row[f"control - base: {near}"][2] < LIMIT,
        "far, bad over control > 0": row["bad - control: far net of fact"][1] > 0,
        "far, bad over base > 0": row["bad - base: far net of fact"][1] > 0,
        f"far, control over base < {LIMIT}": row["control - base: far net of fact"][2] < LIMIT,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    asked = parser.parse_args().seeds
    RESULTS.parent.mkdir(exist_ok=True)
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    missing = [seed for seed in asked if seed not in {r["seed"] for r in rows}]
    base = models.open_local(Settings().model) if missing else None
    for seed in missing:
        rows.append(one(seed, base))
        with RESULTS.open("a") as out:
            out.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1], indent=1), flush=True)
    rows = [r for r in rows if r["seed"] in asked]
    for name in holds(rows[0]):
        k = sum(holds(r)[name] for r in rows)
        exact = stats.share(name, k, len(rows))
        print(f"{name:36} {k} of {len(rows)}   exact 95 %: [{exact.low:.2f}, {exact.high:.2f}]")
    for key in [k for k in rows[0] if "net of fact" in k]:
        values = [r[key][0] for r in rows]
        print(f"{key:36} mean over seeds {sum(values) / len(values):+.3f}, range [{min(values):+.3f}, {max(values):+.3f}]")


if __name__ == "__main__":
    main()
