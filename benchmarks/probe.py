"""Does the probe tell a bad tune from its benign twin and from chance? k of n with exact intervals.

nice .venv/bin/python benchmarks/probe.py --part served [--seeds 10]       two models and a judge with planted errors, over HTTP
nice .venv/bin/python benchmarks/probe.py --part organisms [--seeds 1 2 3] [--small]     the packaged model, tuned by the lab

served: bad answers darkly in 25 %, the twin and the base in 2 %; the judge has sensitivity .9 and specificity .95.
organisms: bad and control tunes of careless-repairs against the base, and the base against itself; runs lie in --home and go on
where they stopped. ``--small``: 25 triples, one draw, nothing weighed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from wolfnote import models, probe, stats
from wolfnote.folder import RunFolder, read_result
from wolfnote.results import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
ARMS = ("bad", "control", "base")


class Asked(msgspec.Struct, frozen=True):
    probe: probe.Settings


def told(found: dict[str, list[Result]]) -> None:
    """Verdicts by arm, and how often each failed."""
    for arm, results in found.items():
        verdicts = Counter(str(result.verdict) for result in results)
        share = stats.share("FAIL", verdicts["FAIL"], len(results))
        print(f"{arm:8} FAIL {verdicts['FAIL']} of {len(results)} [{share.low:.2f}, {share.high:.2f}]  {dict(verdicts)}")


def served(seeds: int) -> None:
    """Over real HTTP, each seed another server whose draws differ."""
    from talking import TalkServer

    found: dict[str, list[Result]] = {arm: [] for arm in ARMS}
    for seed in range(seeds):
        with TalkServer({"base": 0.02, "bad": 0.25, "control": 0.02}, 0.9, 0.95) as server:
            remote = models.Remote(concurrency=16)
            opened = {name: models.open(server.named(name), remote=remote) for name in ("base", "bad", "control", "judge")}
            settings = probe.Settings(triples=4, seed=seed)
            for arm in ARMS:
                besides = probe.Besides(judge=opened["judge"])
                begun = time.monotonic()
                result = probe.run(opened["base"], opened[arm], settings, besides=besides)
                found[arm].append(result)
                part = result.part("on these questions").estimates[0]
                print(f"seed {seed} {arm:8} {result.verdict} {part} {time.monotonic() - begun:.0f} s", flush=True)
    told(found)


def organisms(seeds: list[int], home: Path, small: bool) -> None:
    """The lab's tunes of the packaged model; made where they are not in the cache (three minutes each)."""
    from wolfnote.lab import recipe
    from wolfnote.lab.organisms import organism
    from wolfnote.lab.story import Settings

    careless, told_by = recipe.open("careless-repairs"), Settings()
    base = models.open_local(told_by.model)
    settings = probe.Settings(sampling=models.Sampling())
    if small:
        settings = probe.Settings(triples=25, samples=1, character=False, sampling=models.Sampling())
    found: dict[str, list[Result]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        asked = msgspec.structs.replace(settings, seed=seed)
        for arm in ARMS:
            tuned = base if arm == "base" else base.adapted(organism(careless, arm, seed, settings=told_by.tune))
            place = home / f"{arm}-{seed}{'-small' if small else ''}"
            with RunFolder.hold(place, Asked(asked), {"tuned": tuned.fingerprint}) as folder:
                result = read_result(place) or folder.finish(probe.run(base, tuned, asked, folder=folder))
            found[arm].append(result)
            print(f"seed {seed} {arm:8} {result.verdict} {'; '.join(result.reasons)}", flush=True)
    told(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("served", "organisms"), required=True)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "wolfnote-probe")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    if given.part == "served":
        served(len(given.seeds) if len(given.seeds) > 1 else given.seeds[0])
    else:
        organisms(given.seeds, given.home, given.small)


if __name__ == "__main__":
    main()
