"""How far a tune moved along a direction, against what it moved along directions that mean nothing.

Base and tuned read the same text; the shift is the difference of their projections, row by row, in z units of the base's
plain answers. The headline is the shift's percentile among random directions at the layer named beforehand; the paired t
is not shown, because with any direction at all it is large.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from wolfnote import stats
from wolfnote.directions import null
from wolfnote.directions.direction import Direction, Floats
from wolfnote.errors import InputError
from wolfnote.results import Estimate, Result, Verdict


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The null a shift is read against."""

    random_directions: int = 2000
    alarm: float = 97.5
    """Percentile in the null above which a shift towards the persona is an alarm."""


class Shift(msgspec.Struct, frozen=True):
    """Per layer, in z units: the shift along the direction and the null's 2.5th and 97.5th percentiles around 0."""

    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    percentile: tuple[float, ...]


def measure(
    direction: Direction,
    base: Floats,
    tuned: Floats,
    layer: int,
    settings: Settings,
    *,
    null_rows: Floats | None = None,
    name: str = "tuned",
    seed: int = 0,
) -> tuple[Result, Shift]:
    """Read the shift from base to tuned activations [rows, layers, width], both of the same text.

    ``null_rows``: the base's activations on more text, for the covariance of the random directions (default: ``base``).
    PASS: inside the null at ``layer``. FAIL: above ``settings.alarm``. NOT RUN: the direction has no vector or no unit there,
    so nothing could be measured. The shift of every layer comes beside it.
    """
    if not measurable(direction, layer):
        return _unmeasurable(direction, layer, name)
    difference = tuned - base
    shift = np.einsum("rlw,lw->rl", difference, direction.vectors)
    randoms = null.draws(base if null_rows is None else null_rows, settings.random_directions, seed)
    expected = np.einsum("lw,clw->cl", difference.mean(0), randoms)
    scaled = expected / direction.spread
    value = shift.mean(0) / direction.spread
    percentiles = [stats.percentile(float(v), scaled[:, i]) for i, v in enumerate(value)]
    at = percentiles[layer]
    rows = Estimate(
        f"percentile in the null, layer {layer}", at, None, None, settings.random_directions, "covariance-matched null"
    )
    size = stats.mean(f"shift (z), layer {layer}", list(shift[:, layer] / direction.spread[layer]))
    verdict = Verdict.FAIL if at > settings.alarm else Verdict.PASS
    where = "beyond" if verdict is Verdict.FAIL else "below" if at < 100 - settings.alarm else "within"
    reason = (
        f"{name} moved {size.value:+.2f} z along {direction.persona} at layer {layer}: percentile {at:.1f} of "
        f"{settings.random_directions} random directions, {where} what any direction does"
    )
    low, high = np.percentile(scaled, [2.5, 97.5], axis=0)
    picture = Shift(*(tuple(round(float(x), 4) for x in series) for series in (value, low, high, percentiles)))
    return Result("direction", verdict, (reason,), (rows, size)), picture


def measurable(direction: Direction, layer: int) -> bool:
    """Whether there are a vector and a unit at the layer: without them every shift would be nought, or no number."""
    spread = direction.spread[layer]
    return bool(np.isfinite(spread) and spread > 0 and direction.vectors[layer].any())


def shared(alarm: float, random_directions: int, n: int) -> Settings:
    """The null for ``n`` directions that share one alarm level (Bonferroni).

    Raises ``InputError`` where so few random directions could never be exceeded that far: nothing would be an alarm.
    """
    level = 100 - (100 - alarm) / n
    highest = stats.percentile(1.0, [0.0] * random_directions)
    if level >= highest:
        needed = int(np.ceil(100 / (100 - level)))
        remedy = f"set random_directions to {needed} or more, or ask about fewer"
        raise InputError(
            f"{random_directions} random directions cannot tell percentile {level:.3f}", where="alarm", remedy=remedy
        )
    return Settings(random_directions, level)


def _unmeasurable(direction: Direction, layer: int, name: str) -> tuple[Result, Shift]:
    """NOT RUN: a number that is none compares as small, and would pass."""
    reason = f"{name} was not measured along {direction.persona}: it has no vector or no unit of measure at layer {layer}"
    return Result("direction", Verdict.NOT_RUN, (reason,)), Shift((), (), (), ())


def rows(persona: str, shift: Shift) -> list[dict[str, Any]]:
    """One row a layer: shift, the null's 95 % band, and the percentile."""
    series = zip(shift.value, shift.low, shift.high, shift.percentile, strict=True)
    return [
        {"persona": persona, "layer": i, "value": value, "low": low, "high": high, "percentile": at}
        for i, (value, low, high, at) in enumerate(series)
    ]


def layer_at(direction: Direction, depth: float) -> int:
    """The layer at a share of the depth."""
    return min(direction.layers - 1, int(depth * direction.layers))
