"""A tune's verdict follows from what its record keeps: the guard's rows, and what the audit of the rows had said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from wolfnote.bundle import tunes
from wolfnote.errors import InputError
from wolfnote.folder import RunFolder
from wolfnote.results import Result, Verdict
from wolfnote.tuning.audited import Audited
from wolfnote.tuning.guard import verdict
from wolfnote.tuning.guard.warning import Seen
from wolfnote.tuning.guard.watch import Watch


class Nothing(msgspec.Struct, frozen=True):
    n: int = 1


def looks(drift: float) -> list[dict[str, Any]]:
    """Rows of a watch whose answers move by ``drift`` along the persona."""
    rng = np.random.default_rng(0)
    along, first = np.eye(8, dtype=np.float32)[0], rng.standard_normal((40, 8)).astype(np.float32)
    watch = Watch(along, 4, 0.05)
    watch.begin(first, 80)
    for step in range(4, 84, 4):
        watch.add(Seen(step, 8, np.asarray(first.mean(0) + drift * along * step / 80, np.float32)))
    return [{"kind": "guard", "persona": "planted", "mode": "watch", "layer": 1}, *watch.rows()]


def tuned(folder: Path, result: Result, rows: list[dict[str, Any]], audited: Audited | None = None) -> Path:
    with RunFolder.hold(folder, Nothing()) as run:
        if audited:
            run.note(audit=audited._asdict())
        tables = {"guard_rows": run.table("guard_rows", rows)} if rows else {}
        run.finish(msgspec.structs.replace(result, tables=tables))
    return folder


@pytest.mark.parametrize("drift", [0.0, 60.0])
def test_the_guards_verdict_follows_from_its_rows(tmp_path: Path, drift: float) -> None:
    """A warned tune is FAIL and one that was not is PASS; a part that says otherwise is not what follows."""
    rows = looks(drift)
    said = verdict.recompute(rows)
    assert said.verdict is (Verdict.FAIL if drift else Verdict.PASS)
    honest = Result("tune", said.verdict, ("made",), parts=(said,))
    assert tunes.recompute(tuned(tmp_path / "a", honest, rows)).verdict is honest.verdict
    forged = Result(
        "tune", Verdict.INCONCLUSIVE, ("made",), parts=(msgspec.structs.replace(said, verdict=Verdict.INCONCLUSIVE),)
    )
    follows = tunes.recompute(tuned(tmp_path / "b", forged, rows))
    assert follows.verdict is said.verdict
    assert follows.parts[0].verdict is said.verdict


def test_an_audit_that_failed_fails_the_tune_and_missing_rows_are_said(tmp_path: Path) -> None:
    """The record's audit weighs; a guard's part without its rows cannot be computed."""
    failed = Audited("abc", Verdict.FAIL, True, "")
    follows = tunes.recompute(tuned(tmp_path / "a", Result("tune", Verdict.PASS), [], failed))
    assert follows.verdict is Verdict.FAIL
    assert [finding.code for finding in follows.findings] == ["WN702"]
    with pytest.raises(InputError, match="rows are missing"):
        tunes.recompute(tuned(tmp_path / "b", Result("tune", Verdict.PASS, parts=(Result("guard", Verdict.PASS),)), []))
