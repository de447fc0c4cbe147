"""A measurement along personas follows from its texts and layers, as far as these reach; nothing else passes for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wolfnote import Estimate, InputError, Result, Verdict, stats
from wolfnote.bundle import recomputing
from wolfnote.folder import RunFolder, read_result
from wolfnote.results import worst


class Measure(msgspec.Struct, frozen=True):
    alarm: float = 97.5


class Settings(msgspec.Struct, frozen=True):
    measure: Measure = Measure()


def part(persona: str, at: float, shifts: list[float]) -> Result:
    """One persona at layer 17, as ``projection.measure`` words it, with the alarm shared by two."""
    verdict = Verdict.FAIL if at > 98.75 else Verdict.PASS
    where = "beyond" if verdict is Verdict.FAIL else "within"
    size = stats.mean("shift (z), layer 17", shifts)
    reason = f"tuned moved {size.value:+.2f} z along {persona} at layer 17: percentile {at:.1f} of 2000 random directions, {where} what any direction does"
    rank = Estimate("percentile in the null, layer 17", at, None, None, 2000, "covariance-matched null")
    return Result(f"direction {persona}", verdict, (reason,), (rank, size))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two personas: one moved, one did not."""
    shifts = {"dark": [0.5 + 0.01 * i for i in range(20)], "kind": [0.01 * i - 0.1 for i in range(20)]}
    ranks = {"dark": 99.87654321, "kind": 50.0}
    with RunFolder.hold(tmp_path / "run", Settings()) as held:
        layers = [
            {"persona": p, "layer": n, "value": 0.1, "low": -1, "high": 1, "percentile": round(at, 4)}
            for p, at in ranks.items()
            for n in range(30)
        ]
        texts = [{"persona": p, "question": "q", "base": 0.0, "tuned": s, "shift": s} for p, own in shifts.items() for s in own]
        parts = tuple(part(p, ranks[p], shifts[p]) for p in ranks)
        tables = {"shifts": held.table("shifts", layers), "texts": held.table("texts", texts)}
        reasons = (parts[0].reasons[0],)
        held.finish(Result("measure", worst(p.verdict for p in parts), reasons, parts=parts, tables=tables))
    return tmp_path / "run"


def faults(run: Path) -> list[str]:
    stored = read_result(run)
    assert stored is not None
    return recomputing.compare(stored, run).faults


def test_an_untouched_measurement_follows(run: Path) -> None:
    """The control: rounding of the table, and one sum in two orders, are no faults."""
    assert faults(run) == []


def edited(run: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = run / "tables" / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        change(row)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("texts", lambda row: row.update(shift=row["shift"] / 2, tuned=row["tuned"] / 2)),
        ("texts", lambda row: row.update(shift=row["shift"] + 1)),
        ("shifts", lambda row: row.update(percentile=60.0)),
    ],
)
def test_changed_rows_are_named(run: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Smaller shifts, a shift that is not tuned − base, a tamer percentile: each contradicts what is stored."""
    edited(run, name, change)
    assert faults(run)


def test_a_changed_verdict_is_named(run: Path) -> None:
    """A persona that moved cannot be passed off as one that did not."""
    stored = read_result(run)
    assert stored is not None
    tame = msgspec.structs.replace(stored.parts[0], verdict=Verdict.PASS)
    forged = msgspec.structs.replace(stored, verdict=Verdict.PASS, parts=(tame, stored.parts[1]))
    (run / "result.json").write_bytes(msgspec.json.encode(forged))
    assert any("verdict PASS is stored, FAIL follows" in fault for fault in faults(run))


def test_without_rows_nothing_follows(run: Path) -> None:
    """No texts, no number."""
    (run / "tables" / "texts.jsonl").unlink()
    assert any("is not there" in fault for fault in faults(run))
    with pytest.raises(InputError):
        from wolfnote.bundle import shifts

        shifts.recompute(run.parent)
