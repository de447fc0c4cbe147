"""Which arm: the cheapest that is not inferior to the best; a tune only where it is better by the tolerance, and clean.

Two statements may be wrong, each with probability 5 % at most: that the recommended arm is no more than the tolerance worse
than the best one (all arms at once, so choosing the cheapest among them costs nothing), and that a tune is better than every
untuned arm by more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from wolfnote.advise import comparison
from wolfnote.advise.arms import WRITTEN, Arm
from wolfnote.advise.comparison import Bounds, Drawn
from wolfnote.results import Verdict

FEWEST = 10
"""Documents or customers without which nothing is told of others."""
COSMETIC = 0.95
"""Part of the tuned gain that a prompt must reach for the tune to be cosmetic."""


class Choice(NamedTuple):
    """What was decided and by which bounds. ``chosen`` "" = it could not be; then ``wanted`` items an open arm would need."""

    chosen: str
    why: str
    best: dict[str, Bounds]
    """Each arm − the best other one."""
    tuned: dict[str, Bounds]
    """Each tuned arm − the best untuned one."""
    gain: dict[str, Bounds]
    """Part of the tuned gain that a written arm reaches, where there is a gain."""
    wanted: dict[str, float]
    """Items that would show of an arm that it is enough, if they went on like these."""
    spoilt: tuple[str, ...] = ()
    """Tuned arms that are better and may not be used: the probe failed or was not run."""

    @property
    def cosmetic(self) -> str:
        """The written arm that surely reaches the tuned gain, or ""."""
        return next((name for name, part in self.gain.items() if part.low >= COSMETIC), "")


def choose(
    drawn: Drawn, arms: Sequence[Arm], costs: Sequence[float], alignment: Mapping[str, Verdict], tolerance: float
) -> Choice:
    """The choice among ``arms``, in the order of ``drawn``; ``costs``: of a call; where equal, the earlier arm is cheaper."""
    places = {arm.name: i for i, arm in enumerate(arms)}
    failed = [a.name for a in arms if alignment.get(a.name) is Verdict.FAIL]
    tuned = [a.name for a in arms if a.tuned]
    untuned = [a.name for a in arms if not a.tuned and a.name not in failed]
    better = comparison.above(drawn, [places[t] for t in tuned], [places[u] for u in untuned]) if tuned and untuned else {}
    superior = [t for t in tuned if better and better[places[t]].low > tolerance]
    clean = [t for t in superior if alignment.get(t) is Verdict.PASS]
    family = [a.name for a in arms if a.name not in failed]
    best = {arms[i].name: b for i, b in comparison.with_the_best(drawn, [places[f] for f in family]).items()}
    enough = [name for name, bounds in best.items() if bounds.low >= -tolerance]
    open_tuned = [t for t in superior if t not in clean]
    pool = [t for t in clean if t in enough] if superior and clean else [u for u in untuned if u in enough]
    chosen = min(pool, key=lambda name: (costs[places[name]], places[name]), default="")
    why = "superior" if chosen in clean else "enough" if chosen else ""
    return Choice(
        chosen,
        why,
        best,
        {t: better[places[t]] for t in tuned if better},
        _gains(drawn, places, untuned),
        _wanted(drawn, best, tolerance),
        tuple(open_tuned),
    )


def _gains(drawn: Drawn, places: Mapping[str, int], untuned: Sequence[str]) -> dict[str, Bounds]:
    if not {"base", "tuned"} <= set(places):
        return {}
    parts = {
        name: comparison.part_of_gain(drawn, places[name], places["base"], places["tuned"])
        for name in WRITTEN
        if name in untuned
    }
    return {name: part for name, part in parts.items() if part is not None}


def _wanted(drawn: Drawn, best: Mapping[str, Bounds], tolerance: float) -> dict[str, float]:
    """Items that would show of each open arm that it is not inferior; of one that looks inferior, none would."""
    return {
        name: comparison.needed(drawn.n, bounds.value - bounds.low, bounds.value + tolerance)
        for name, bounds in best.items()
        if bounds.low < -tolerance < bounds.value
    }


def scores(rows: Sequence[Mapping[str, object]], arms: Sequence[Arm]) -> tuple[comparison.Floats, list[str], int]:
    """Values [arms, items] of the items that every arm has a score on, their groups, and how many were left out."""
    kept = [row for row in rows if all(row["score"].get(a.name) is not None for a in arms)]  # type: ignore[attr-defined]
    values = np.array([[row["score"][a.name] for row in kept] for a in arms], dtype=np.float64)  # type: ignore[index]
    return values.reshape(len(arms), len(kept)), [str(row["group"]) for row in kept], len(rows) - len(kept)
