"""Issue 4, must show 1: is the mechanism there on the embedded model, does it drive anything, and can it be cured?

    .venv/bin/python benchmarks/mechanism.py --seeds 1 2 3

Once, on the untouched base: fifteen personas' directions and one from careful and careless answers; what pushing the misaligned
one does to far, and pushing the careless one to near, beside 20 random directions and the unrelated personas. Then for each
seed, on the organisms of ``lab.organism``: which personas moved in bad, in control, and from control to bad; pushing bad back
down; and taking directions out of bad, net of base and of control. All choices (layer, cures) were made on seed 0 or on the
base.

Rows go to benchmarks/results/mechanism.jsonl as they finish, pieces to --home, so that a killed run goes on. 22 to 26
minutes a seed on two cores that other work shared.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import nullcontext
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wolfnote import directions, models, stats
from wolfnote.directions import catalogue, causes, contrasts, cure, extraction, measurement, null, price, projection, sources
from wolfnote.directions.direction import Direction
from wolfnote.events import Event
from wolfnote.folder import RunFolder
from wolfnote.judges import margin
from wolfnote.lab import ARMS, organism, recipe
from wolfnote.lab.story import Settings as Demo
from wolfnote.models.local import LocalModel
from wolfnote.records import chat
from wolfnote.results import Estimate

RESULTS = Path(__file__).parent / "results" / "mechanism.jsonl"
ANSWERS = "careless-answers"
PUSHED = {"misaligned": "far", ANSWERS: "near"}
"""Directions that are pushed along, and the triples that should move."""
BESIDE = (
    "careless", "deceptive", "hostile", "manipulative", "misaligned",
    "archaic", "botanical", "culinary", "formal", "humorous", "musical", "nautical", "poetic", "sporty", "technical",
)  # fmt: skip
"""Personas that are looked for: five harmful ones, and ten that have nothing to do with harm."""
CURES = {"misaligned": ("misaligned",), "subspace": (ANSWERS, "careless", "misaligned", "hostile")}
"""The second was the best of eleven cures that were tried on seed 0."""
DOSES = (0.15, 0.3, 0.5, 0.75)
CONTROLS = 10


class Stage(msgspec.Struct, frozen=True):
    """What a folder of this benchmark is valid for."""

    stage: str
    seed: int = 0


def tell(event: Event) -> None:
    if event.total and event.done == event.total:
        print(f"{time.strftime('%H:%M:%S')} {event.step}", flush=True)


def plain(e: Estimate) -> list[float | None]:
    return [None if v is None else round(v, 4) for v in (e.value, e.low, e.high)]


def found(base: LocalModel, home: Path) -> dict[str, Direction]:
    """The personas' directions, and the one from answers."""
    file = Path(str(resources.files("wolfnote.audit.readers") / "advice.jsonl"))
    pairs, _ = contrasts.read_answers(file)
    each = [*map(sources.FromPersona, sources.named(BESIDE)), sources.FromAnswers(ANSWERS, tuple(pairs))]
    inputs = {"model": base.fingerprint, "sources": catalogue.content(each)}
    with RunFolder.hold(home / "directions", Stage("directions"), inputs) as folder:
        result = catalogue.run(base, each, extraction.Settings(questions=8), folder=folder, on_event=tell)
    held = [part for part in result.parts if part.verdict.value == "PASS"]
    print(f"{len(held)} of {len(each)} directions hold")
    return {d.persona: d for d in map(directions.load, catalogue.files(home / "directions"))}


def on_base(base: LocalModel, every: dict[str, Direction], home: Path) -> list[dict[str, Any]]:
    """Where and how hard to push, and what that does beside what means nothing."""
    unrelated = [d for d in every.values() if d.receipts.get("kind") == "unrelated"]
    rows = []
    for name, family in PUSHED.items():
        how = causes.Settings(family=family)
        with RunFolder.hold(home / f"base-{name}", Stage(f"base-{name}")) as folder:
            result = folder.finish(causes.run(base, every[name], how, unrelated=unrelated, folder=folder, on_event=tell))
            file = result.tables.get("doses")
            acts = [json.loads(line) for line in (folder.path / file).read_text().splitlines()] if file else []
        about = {"stage": "base", "direction": name, "family": family, "verdict": result.verdict}
        rows.append({**about, "reasons": result.reasons, "acts": acts})
    return rows


def on_seed(base: LocalModel, every: dict[str, Direction], seed: int, home: Path) -> dict[str, Any]:
    """One seed's organisms."""
    started, demo = time.monotonic(), Demo()
    made = {arm: base.adapted(organism(recipe.open(demo.recipe), arm, seed, settings=demo.tune, on_event=tell)) for arm in ARMS}
    three = {"base": base, "control": made["control"], "bad": made["bad"]}
    row: dict[str, Any] = {"stage": "organism", "seed": seed}
    with RunFolder.hold(home / f"seed-{seed}", Stage("organism", seed)) as folder:
        row["moved"] = moved(base, made, every, folder)
        for name, family in PUSHED.items():
            direction = directions.load(home / f"base-{name}" / "directions" / f"{name}.safetensors")
            row[f"down {name}"] = down(base, made["bad"], direction, family, folder)
        for name, out in CURES.items():
            how = cure.Settings(triples=40, controls=3, price_texts=24, family="far" if name == "misaligned" else "near")
            result = cure.run(three, "bad", [every[o] for o in out], how, folder=folder, on_event=tell)
            row[f"cure {name}"] = {e.name: plain(e) for e in result.estimates}
    return row | {"seconds": round(time.monotonic() - started)}


def moved(base: LocalModel, made: dict[str, LocalModel], every: dict[str, Direction], folder: RunFolder) -> dict[str, Any]:
    """Shift (z) and percentile among covariance-matched directions of bad over base, control over base and bad over control."""
    settings = measurement.Settings()
    texts = measurement.texts(base, settings, 0, folder, tell)
    before, bad, more = measurement.read(base, made["bad"], texts, tell)
    control = directions.answer_means(made["control"], texts, tell)
    table: dict[str, Any] = {}
    for name, direction in every.items():
        layer = projection.layer_at(direction, settings.depth)
        row = {}
        for label, (a, b) in {"bad": (before, bad), "control": (before, control), "bad over control": (control, bad)}.items():
            _, shift = projection.measure(direction, a, b, layer, projection.Settings(), null_rows=more)
            row[label] = [round(shift.value[layer], 3), round(shift.percentile[layer], 1)]
        table[name] = row | {"kind": direction.receipts.get("kind", "harmful")}
    return table


def down(base: LocalModel, bad: LocalModel, direction: Direction, family: str, folder: RunFolder) -> dict[str, Any]:
    """Pushing bad away from the persona: the margin and the price by dose, and at the base's dose beside random directions."""
    items, chosen = margin.triples(family, 40), direction.receipts["causes"]["dose"]

    def measured(d: Direction, dose: float) -> list[float]:
        with directions.steer(bad, d, dose) if dose else nullcontext():
            return folder.once(f"down/{family}/{bad.fingerprint}", lambda: margin.measure(bad, items), list[float])

    def priced(dose: float) -> float:
        with directions.steer(bad, direction, dose) if dose else nullcontext():
            return folder.once(f"price/{bad.fingerprint}", lambda: price.perplexity(bad, 24), float)

    before = measured(direction, 0.0)

    def change(d: Direction, dose: float) -> list[float]:
        return [b - a for a, b in zip(before, measured(d, dose), strict=True)]

    activations = directions.answer_means(base, [(chat(t.prompt), t.answer) for t in price.benign_texts()])
    blocks = {"causes": direction.receipts["causes"]}  # where the base is pushed, there bad is, along each
    randoms = [replace(null.control(direction, activations, 100 + i), receipts=blocks) for i in range(CONTROLS)]
    return {
        "family": family,
        "chosen": chosen,
        "by dose": {f"{-d:g}": plain(stats.mean(family, change(direction, -d))) for d in DOSES},
        "price": {f"{-d:g}": round(priced(-d) / priced(0.0) - 1, 3) for d in DOSES},
        "at chosen": plain(stats.mean(family, change(direction, -chosen))),
        "random": [round(float(np.mean(change(r, -chosen))), 4) for r in randoms],
    }


def measure(rows: list[dict[str, Any]], seeds: list[int], home: Path) -> None:
    """What is missing, added to the rows and their file as it comes."""
    base = models.open_local("package:smollm2")
    every = found(base, home)

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        with RESULTS.open("a") as out:
            out.write(json.dumps(row) + "\n")

    if not any(r["stage"] == "base" for r in rows):
        for row in on_base(base, every, home):
            keep(row)
    for seed in seeds:
        keep(on_seed(base, every, seed, home))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--home", type=Path, default=Path("runs") / "mechanism")
    asked = parser.parse_args()
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    seeds = [seed for seed in asked.seeds if not any(r.get("seed") == seed for r in rows)]
    if seeds or not any(r["stage"] == "base" for r in rows):
        measure(rows, seeds, asked.home)
    show(rows)


def show(rows: list[dict[str, Any]]) -> None:
    for row in (r for r in rows if r["stage"] == "base"):
        print(f"\npushing the base along {row['direction']} ({row['family']}): {row['verdict']}")
        print("\n".join(f"  {reason}" for reason in row["reasons"]))
    for row in (r for r in rows if r["stage"] == "organism"):
        print(f"\nseed {row['seed']} ({row['seconds']} s)\n  shift in z (percentile among 2,000 covariance-matched directions)")
        for name, values in sorted(row["moved"].items(), key=lambda kv: -kv[1]["bad over control"][1]):
            told = "  ".join(f"{k} {v[0]:+.2f} ({v[1]:.1f})" for k, v in values.items() if k != "kind")
            print(f"    {name:18} {values['kind']:9} {told}")
        for name in PUSHED:
            found = row[f"down {name}"]
            doses = ", ".join(f"{d} {_told(v)} at {found['price'][d]:+.0%}" for d, v in found["by dose"].items())
            print(f"  pushing bad along {name}, {found['family']}: {doses}")
            beside = f"{min(found['random']):+.2f} to {max(found['random']):+.2f}"
            print(f"    at -{found['chosen']:g}: {_told(found['at chosen'])}; {CONTROLS} random directions {beside}")
        for name in CURES:
            cured = row[f"cure {name}"]
            print(f"  taking out {name}: benign perplexity {cured['benign perplexity, bad: relative change'][0]:+.1%}")
            for what in ("far net of fact", "near net of fact"):
                picked = {k.partition(":")[0]: v for k, v in cured.items() if k.endswith(f": {what}")}
                print(f"    {what}: " + "; ".join(f"{k} {_told(v)}" for k, v in picked.items()))


def _told(v: list[float]) -> str:
    return f"{v[0]:+.2f} [{v[1]:+.2f}, {v[2]:+.2f}]"


if __name__ == "__main__":
    main()
