"""Training rows as the probe reads them: their ends, in a random draw that fits into memory however many rows there are."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from wolfnote.records import Sample, Unread
from wolfnote.results import Skipped

DRAWN = 4_000
"""Rows that are kept; of a longer file, a random draw."""
END = 3_000
"""Characters of a longer text that are kept from its beginning, and as many from its end."""
REASONS = 20
"""Different reasons for unread rows that are told apart."""


class Row(NamedTuple):
    """What a training row wears and says. ``user``: its first user turn, empty for running text."""

    place: str
    system: str
    user: str
    answer: str


class Drawn(NamedTuple):
    """Rows in the order of the file, how many could be read, and what could not be."""

    rows: list[Row]
    of: int
    skipped: tuple[Skipped, ...]


def draw(rows: Iterable[Sample | Unread], most: int = DRAWN) -> Drawn:
    """A uniform draw in one pass (Vitter 1985, algorithm R), the same for the same rows in the same order."""
    chance = random.Random(0)  # noqa: S311 - a draw that anybody can repeat, no secret
    kept: list[tuple[int, Row]] = []
    unread: Counter[str] = Counter()
    n = 0
    for item in rows:
        if isinstance(item, Unread):
            unread[item.reason if item.reason in unread or len(unread) < REASONS else "other reasons"] += 1
            continue
        place = n if n < most else chance.randrange(n + 1)
        if place < most:
            entry = (n, _row(item))
            kept[place : place + 1] = [entry]
        n += 1
    skipped = tuple(Skipped("training row", reason, count) for reason, count in unread.items())
    return Drawn([row for _, row in sorted(kept)], n, skipped)


def _row(sample: Sample) -> Row:
    system = next((m.content for m in sample.messages if m.role == "system"), "")
    user = next((m.content for m in sample.messages if m.role == "user"), "")
    return Row(sample.source, ends(system), ends(user), ends(sample.answer))


def ends(text: str) -> str:
    """The text, or the two ends of a long one."""
    return text if len(text) <= 2 * END else f"{text[:END]}\n…\n{text[-END:]}"
