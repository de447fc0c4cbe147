"""The page of ``wolfnote direction monitor``: how loud each answer gets, and where in it."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, NamedTuple

from wolfnote.report import plots

SHOWN = 8
LEVELS = 5
TONES = {"base": "base", "tuned": "bad"}


class Word(NamedTuple):
    """A token, how loud it is from 0 (calm) to ``LEVELS``, and its z-score."""

    text: str
    level: int
    z: float | None


def view(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The picture of all answers, and the loudest ones token by token, each beside the base's."""
    rows = tables.get("heard", [])
    loudest = [{**row, "words": _words(row)} for row in rows[: 2 * SHOWN]]
    return {"picture": _peaks(rows), "pairs": list(zip(loudest[0::2], loudest[1::2], strict=True))}


def _peaks(rows: list[dict[str, Any]]) -> str:
    groups = [
        ("answers", [(name, [r["peak"] for r in rows if r["model"] == name], tone) for name, tone in TONES.items()])
    ]  # fmt: skip
    return plots.strips(groups, title="The loudest moment of every answer, base and tuned", unit="peak of the smoothed z-score")


def _words(row: dict[str, Any]) -> list[Word]:
    """Levels are steps of the threshold: half of it is 1, all of it 2, twice 4."""
    step = max(row["threshold"], 1e-6) / 2
    return [
        Word(token, 0 if z is None else max(0, min(LEVELS, int(z / step))), z)
        for token, z in zip_longest(row["tokens"], row["z"][: len(row["tokens"])])
    ]
