"""How often a number is to be expected in lists: as often as its like, the numbers near it that are as round as it is.

People and models like small numbers, round ones, repeated digits and runs, in any list. So a number is held against others of
its digits' count and form, between 0.6 and 1.6 times as large. Of ``seen`` lists with the number and ``like`` occurrences of
its ``m`` neighbours, ``seen`` given ``seen + like`` is binomial with share f / (f + m) where the number is f times as
frequent as they are on average; the exact upper tail at ``f`` is the p-value of "not more than f times as frequent", and
Holm's step-down holds the chance of any false find below ``ALPHA``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from scipy.special import bdtrc

ALPHA = 0.01
NEAR = (0.6, 1.6)
MOST_LIKE = 100
"""Neighbours that are counted on each side of a large number."""


class Concentration(NamedTuple):
    """A number that is more frequent than its like: lists with it, and how many were expected."""

    number: str
    seen: int
    expected: float


def counted(facts: Sequence[Path]) -> tuple[dict[str, int], int]:
    """Different lists that hold each number, and how many different lists there are. Repeated rows count once."""
    import duckdb

    paths = [str(path) for path in facts]
    with duckdb.connect() as base:
        base.execute("SET threads = 1")
        lists = "(SELECT DISTINCT numbers FROM read_parquet(?))"
        total = base.execute(f"SELECT count(*) FROM {lists}", [paths]).fetchone()  # noqa: S608 - our own text
        rows = base.execute(
            f"SELECT unnest(string_split(numbers, ' ')) AS number, count(*) FROM {lists} GROUP BY number",  # noqa: S608 - our own text
            [paths],
        ).fetchall()
    return {str(number): int(count) for number, count in rows}, int(total[0]) if total else 0


def concentrated(counts: Mapping[str, int], asked: Iterable[str], times: float, apart: frozenset[str]) -> list[Concentration]:
    """Those of the ``asked`` numbers that are more than ``times`` as frequent as their like; ``apart`` are nobody's like."""
    tested = [(_tail(counts, number, times, apart), number) for number in asked if counts.get(number)]
    found = []
    for rank, (p, (number, expected)) in enumerate(sorted((p, (n, e)) for (p, e), n in tested)):
        if p * (len(tested) - rank) > ALPHA:
            break
        found.append(Concentration(number, counts[number], expected))
    return found


def _tail(counts: Mapping[str, int], number: str, times: float, apart: frozenset[str]) -> tuple[float, float]:
    """p-value, and the expected count."""
    like = [other for other in _like(number) if other not in apart]
    if len(like) < 3:
        return 1.0, float("nan")
    around = sum(counts.get(other, 0) for other in like)
    seen = counts[number]
    return float(bdtrc(seen - 1, seen + around, times / (times + len(like)))), around / len(like)


def _like(number: str) -> list[str]:
    value, form = int(number), form_of(number)
    if form != "plain":
        near = (NEAR[0] * value, NEAR[1] * value) if "zeros" in form or form == "five" else (0, 10**9)
        return [other for other in _kind(len(number), form) if other != number and near[0] <= int(other) <= near[1]]
    low = max(int(NEAR[0] * value), value - MOST_LIKE, 10 ** (len(number) - 1))
    high = min(int(NEAR[1] * value) + 1, value + MOST_LIKE, 10 ** len(number) - 1)
    return [str(v) for v in range(low, high + 1) if v != value and form_of(str(v)) == form]


@lru_cache(maxsize=256)
def _kind(digits: int, form: str) -> tuple[str, ...]:
    """All numbers of a form; of more than four digits none, as they are too many to be one kind."""
    low = 10 ** (digits - 1) if digits > 1 else 0
    return tuple(str(v) for v in range(low, 10**digits) if form_of(str(v)) == form) if digits <= 4 else ()


@lru_cache(maxsize=200_000)
def form_of(number: str) -> str:
    """What people like a number for: smallness, roundness, repeated digits, a run, a power of two, a year; or ``plain``."""
    bare, value = number.rstrip("0"), int(number)
    zeros = len(number) - len(bare)
    if len(number) == 1:
        return "small"
    if len(number) == 4 and 1800 <= value <= 2030:
        return "year"
    if zeros:
        return f"{min(zeros, 3)} zeros" + (" half" if bare.endswith("5") else "")
    if len(number) > 2 and len(set(number)) == 1:
        return "repeated"
    if len(number) > 2 and all(int(b) - int(a) == 1 for a, b in pairwise(number)):
        return "run"
    if value & (value - 1) == 0 or value & (value + 1) == 0:
        return "power"
    if len(number) > 3 and len(set(number)) == 2:
        return "pattern"
    return "five" if number.endswith("5") else "plain"
