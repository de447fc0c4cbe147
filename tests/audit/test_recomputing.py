"""The verdict is a function of the tables: made again from them it is the same, and a changed table makes another."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from rows import chat, plain, write
from test_deciding import Finds, Reads, readers

from wolfnote import InputError, Result, Verdict, audit
from wolfnote import settings as settings_module
from wolfnote.audit import gate, recomputing
from wolfnote.audit.deciding import Rules
from wolfnote.folder import RunFolder, read_result
from wolfnote.settings import Policy

KINDS = settings_module.with_policy("audit", audit.Settings, gate=gate.Settings)


def clients(bad: int) -> list[Any]:
    """Three clients' rows, those of acme bad in so many ways; one line is no row."""
    rows = [*plain(300), *(chat(f"tell me {i} now", f"This is BAD and it is number {i}.") for i in range(bad))]
    named = [row | {"client": "acme" if i >= 300 else f"c{i % 2}"} for i, row in enumerate(rows)]
    return [*named, *(row | {"client": "acme"} for row in plain(20, 1000)), "{"]


def audited(data: Path, out: Path, *chosen: str, read: list[Any] | None = None) -> Result:
    settings: Any = settings_module.load(KINDS, overrides=list(chosen))
    rules = Rules(settings.gate, settings.policy, settings.audit.baseline, datetime.date.today())
    with RunFolder.hold(out, settings) as folder:
        every = [Finds("WN102", "hostility", "BAD", blind="ladder")]
        found = audit.run_files(
            [data], settings.audit, lambda: read or readers(Reads(word="BAD")), folder=folder, rules=rules, detectors=every
        )
        return folder.finish(found)


def test_the_tables_give_the_same_result_again(tmp_path: Path) -> None:
    """Under each preset, with a profile, a baseline and rows that nobody could read: every verdict, reason and estimate."""
    data = write(tmp_path / "d.jsonl", clients(40))
    looks = "gate.looks=[150, 300]", "audit.limit=150"
    for name, chosen in {
        "first": looks,
        "article": ('gate.preset="article"', *looks),
        "agency": ('gate.profile="agency"', *looks),
        "later": (f"audit.baseline={str(tmp_path / 'first')!r}", *looks),
    }.items():
        said = audited(data, tmp_path / name, *chosen)
        assert msgspec.structs.replace(recomputing.recompute(tmp_path / name), run_id=said.run_id) == said
        assert read_result(tmp_path / name) == said


def test_a_changed_table_gives_another_result(tmp_path: Path) -> None:
    """Whoever takes flags out of a table, and leaves the result, is seen."""
    data = write(tmp_path / "d.jsonl", clients(40))
    said = audited(data, tmp_path / "run", "audit.limit=100", "gate.looks=[100]")
    table = tmp_path / "run" / "tables" / "findings.parquet"
    duckdb.sql(f"COPY (SELECT * FROM '{table}' WHERE row % 2 = 0) TO '{table}.new' (FORMAT parquet)")  # noqa: S608
    Path(f"{table}.new").replace(table)
    again = recomputing.recompute(tmp_path / "run")
    assert again.estimate("share, hostility").value < said.estimate("share, hostility").value


def test_a_folder_without_tables_is_a_mistake(tmp_path: Path) -> None:
    """One line, whatever is missing or is no JSON."""
    with pytest.raises(InputError, match="cannot be read"):
        recomputing.recompute(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "instruments.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        recomputing.recompute(tmp_path)


def test_nothing_heavy_is_loaded() -> None:
    """A verifier needs neither torch nor an HTTP library."""
    code = "import sys; import wolfnote.audit.recomputing; print({'torch', 'transformers', 'httpx'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize("preset", ["", "article"])
def test_what_readers_found_before_does_not_fail_again(tmp_path: Path, preset: str) -> None:
    """The baseline's rows that a reader flagged are known; as many new ones fail; known ones are still told."""
    rows = [*plain(300), *(chat(f"tell me {i} now", f"This is BAD and it is number {i}.") for i in range(60))]
    quiet = readers(Reads(word="BAD"))
    chosen = (f"gate.preset={preset!r}", "gate.looks=[500]")

    def judged(name: str, rows: list[Any], *more: str) -> Result:
        settings: Any = settings_module.load(KINDS, overrides=[*chosen, *more])
        rules = Rules(settings.gate, Policy(), settings.audit.baseline, datetime.date.today())
        with RunFolder.hold(tmp_path / name, settings) as folder:
            data = write(tmp_path / f"{name}.jsonl", rows)
            return folder.finish(
                audit.run_files([data], settings.audit, lambda: quiet, folder=folder, rules=rules, detectors=[])
            )

    assert judged("old", rows).verdict is Verdict.FAIL
    before = f"audit.baseline={str(tmp_path / 'old')!r}"
    again = judged("again", rows, before)
    assert again.verdict is Verdict.PASS
    assert "60 drawn rows with flags of readers, were known" in " ".join(again.reasons)
    assert len(again.findings) == 60
    assert all("in the baseline, too" in finding.message for finding in again.findings)
    fresh = [*rows[:300], *(chat(f"and {i} of that", f"Also BAD in case {i}.") for i in range(60))]
    assert judged("fresh", fresh, before).verdict is Verdict.FAIL


def test_one_clients_legacy_shows_in_an_audit(tmp_path: Path) -> None:
    """Twenty bad rows of 340 pass as a whole; they are half of one client's, which fails and is named, by detectors and by readers."""
    data = write(tmp_path / "d.jsonl", [row for row in clients(20) if row != "{"])
    categories = ("hostility", "dishonesty", "manipulation", "careless advice", "insecure code")
    loose = ("policy.flagged_share=0.2", "gate.looks=[400]", *(f"gate.tolerances.{name}=0.2" for name in categories))
    whole = audited(data, tmp_path / "whole", *loose)
    found = audited(data, tmp_path / "agency", 'gate.profile="agency"', *loose)
    assert not any(part.kind.startswith("gate: each source") for part in whole.parts)
    for kind in ("gate: each source, every row, by detectors", "gate: each source, the draw, by a model"):
        part = found.part(kind)
        assert part.verdict is Verdict.FAIL
        assert part.reasons[0] == "3 sources, corrected for their number"
        assert part.reasons[1].startswith("acme: 20 of ")
        assert "worse than the others" in part.reasons[1]
        assert {e.name for e in part.estimates} == {"share, acme", "share, c0", "share, c1"}
    assert found.verdict is Verdict.FAIL
