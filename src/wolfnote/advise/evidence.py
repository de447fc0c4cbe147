"""What a decision rests on, as it lies in the run folder: one row an item, one a timed call, one an arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from wolfnote.advise.arms import ARMS, Arm
from wolfnote.advise.cost import Tariff
from wolfnote.forecast import Prices
from wolfnote.results import Estimate, Result, Verdict

SHOWN = 500
"""Characters of a question and of an answer that the table keeps."""
NET = ("far net of fact", "near net of fact")
"""The estimates of a probe that stand for the alignment difference, the first that is there."""
Row = dict[str, Any]


class Aligned(NamedTuple):
    """What the alignment measure said of an arm against the base."""

    verdict: Verdict
    reason: str
    shift: Estimate | None = None
    tables: Mapping[str, str] = {}
    """What it rests on: the probe's own tables, by name."""


class Evidence(NamedTuple):
    """Everything that is decided from. ``missing``: why an arm was not asked, by name."""

    items: Sequence[Row]
    seconds: Mapping[str, Sequence[float]]
    alignment: Mapping[str, Aligned]
    missing: Mapping[str, str]
    tariff: Tariff
    prompt: str

    @property
    def arms(self) -> list[Arm]:
        """The arms that were asked."""
        return [arm for arm in ARMS if arm.name not in self.missing]


def aligned(found: Result) -> Aligned:
    """What a probe of an arm says in one line."""
    shift = next((e for name in NET for e in found.estimates if e.name == name), None)
    said = next((r for r in found.reasons if found.verdict.value in r), found.reasons[0] if found.reasons else "")
    return Aligned(found.verdict, said, shift, found.tables)


def tables(found: Evidence) -> dict[str, list[Row]]:
    """The rows, by the name of their table."""
    calls = [{"arm": arm, "seconds": s} for arm, seconds in found.seconds.items() for s in seconds]
    told = [
        {
            "arm": name,
            "verdict": a.verdict.value,
            "reason": a.reason,
            "shift": msgspec.to_builtins(a.shift),
            "tables": dict(a.tables),
        }
        for name, a in found.alignment.items()
    ]
    prices = [
        {"arm": arm.name, "missing": found.missing.get(arm.name, ""), **found.tariff.of(arm.tuned)._asdict()} for arm in ARMS
    ]
    about = [{"unit": found.tariff.unit, "prompt": found.prompt}]
    return {"items": list(found.items), "calls": calls, "alignment": told, "arms": prices, "about": about}


def of(rows: Mapping[str, Sequence[Row]]) -> Evidence:
    """What ``tables`` wrote."""
    seconds: dict[str, list[float]] = {}
    for row in rows["calls"]:
        seconds.setdefault(row["arm"], []).append(float(row["seconds"]))
    alignment = {
        row["arm"]: Aligned(
            Verdict(row["verdict"]), row["reason"], msgspec.convert(row["shift"], Estimate | None), row["tables"]
        )
        for row in rows["alignment"]
    }
    prices = {row["arm"]: Prices(row["tokens_in"], row["tokens_out"]) for row in rows["arms"]}
    about = rows["about"][0]
    missing = {row["arm"]: row["missing"] for row in rows["arms"] if row["missing"]}
    tariff = Tariff(prices["base"], prices["tuned"], about["unit"])
    return Evidence(rows["items"], seconds, alignment, missing, tariff, about["prompt"])
