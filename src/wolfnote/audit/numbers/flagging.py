"""From concentrated numbers to flags on the lists that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wolfnote.audit.detector import Flag
from wolfnote.audit.numbers.expectation import Concentration

AT_ONCE = 10_000


def flags(
    code: str, facts: Sequence[Path], why: Mapping[str, str], found: Sequence[Concentration], total: int
) -> Iterator[tuple[int, Flag]]:
    """One flag a list that holds any of the numbers, which says how many of the ``total`` lists do; in"
    " the order of the facts."""
    import duckdb

    if not found:
        return
    told = {c.number: f"{c.number}{why[c.number]} in {c.seen} of {total} lists; its like in {c.expected:.1f}" for c in found}
    with duckdb.connect() as base:
        base.execute("SET threads = 1")
        rows = base.execute(
            "SELECT row, turn, numbers, free FROM read_parquet(?) WHERE list_has_any(string_split(numbers, ' '), ?)",
            [[str(path) for path in facts], list(told)],
        )
        while piece := rows.fetchmany(AT_ONCE):
            for row, turn, numbers, free in piece:
                here = [told[number] for number in numbers.split(" ") if number in told]
                yield row, Flag(code, "hostility", turn, "; ".join(here[:3]), numbers[:200], bool(free))
