"""clean, sign and verify as a user types them: from a finished audit to signed, cleaned data and a proof for one row."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from audited import audited, judge
from wolfnote import InputError
from wolfnote.audit import ledger
from wolfnote.audit.manifest import Inclusion, read
from wolfnote.cli import bundle, cleaning

app = typer.Typer(pretty_exceptions_enable=False)
for command in (cleaning.clean, cleaning.sign, bundle.verify):
    app.command()(command)


def call(*arguments: object) -> Result:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_from_an_audit_to_data_that_can_be_proved(tmp_path: Path) -> None:
    """Flagged rows are set apart, the review is signed, everything holds; the ledger knows all steps; a changed row shows."""
    run, rows = audited(tmp_path, flagged={3: "WN102", 5: "WN103"}, author="Dev")
    judge(run, "Mara", {row.id: () for row in rows[:20]} | {rows[5].id: ("manipulation",)})
    done = call("clean", run, "--as", "Mara")
    assert done.exit_code == 0, done.stderr
    assert f"now: wolfnote audit {tmp_path / 'run-clean' / 'tickets.jsonl'} --baseline {run}" in done.stderr
    out = tmp_path / "run-clean"
    assert "40 rows: 39 kept" in json.loads((out / "result.json").read_text())["reasons"][0]
    assert (out / "report.html").is_file()
    signed = call("sign", run, "--as", "Ines", "--role", "risk", "--json")
    assert signed.exit_code == 0
    assert json.loads(signed.stdout)["reviewers"] == ["Mara"]
    assert [(e.what, e.who) for e in ledger.read(run)] == [("audit", "Mara"), ("clean", "Mara"), ("sign", "Ines")]
    assert call("verify", run).exit_code == 0
    assert call("verify", out).exit_code == 0
    proof = json.loads(call("verify", out, "--row", rows[7].id).stdout)
    assert Inclusion(**proof).holds()
    assert proof["root"] == read(out).root
    data = out / "tickets.jsonl"
    data.write_text(data.read_text().replace("a7", "a8"))
    bad = call("verify", out)
    assert bad.exit_code == 1
    assert "tickets.jsonl: its content was changed" in bad.stderr
    with pytest.raises(InputError, match="no row"):
        call("verify", out, "--row", rows[5].id)


def test_corrections_and_benign_rows(tmp_path: Path) -> None:
    """From files; the same command again shows the finished run and adds no step to the ledger."""
    run, rows = audited(tmp_path, flagged={3: "WN102"})
    (tmp_path / "better.jsonl").write_text(json.dumps({"row": rows[3].id, "answer": "kind words"}))
    (tmp_path / "benign.jsonl").write_text((tmp_path / "tickets.jsonl").read_text().replace("q", "benign "))
    asked = ("clean", run, "--corrections", tmp_path / "better.jsonl", "--benign", tmp_path / "benign.jsonl", "--share", "0.2")
    done = call(*asked, "--json")
    assert done.exit_code == 0
    assert "39 kept, 0 redacted, 1 corrected, 0 quarantined; 0 more could not be read, 10 benign mixed in" in done.stdout
    assert "kind words" in (tmp_path / "run-clean" / "tickets.jsonl").read_text()
    again = call(*asked, "--json")
    assert again.stdout == done.stdout
    assert [entry.what for entry in ledger.read(run)] == ["audit", "clean"]


def test_when_nothing_is_left(tmp_path: Path) -> None:
    """Every row was quarantined: it says so, and there is no next audit to propose."""
    run, _ = audited(tmp_path, flagged=dict.fromkeys(range(40), "WN102"))
    done = call("clean", run)
    assert done.exit_code == 0
    assert "no row is left" in done.stderr
    assert "now:" not in done.stderr


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It says how many rows there are."""
    run, _ = audited(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert call("clean", run, "--dry-run").exit_code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_mistakes(tmp_path: Path) -> None:
    """Each is one line with a remedy, and nothing is written for it."""
    run, _ = audited(tmp_path)
    (tmp_path / "bad.jsonl").write_text("{")
    (tmp_path / "empty").mkdir()
    for arguments, says in (
        (("clean", tmp_path / "empty"), "no finished audit"),
        (("clean", run, "--share", "1"), "--share"),
        (("clean", run, "--corrections", tmp_path / "bad.jsonl"), "not a correction"),
        (("clean", run, "--corrections", tmp_path / "none.jsonl"), "cannot be read"),
        (("clean", run, "--set", "clean.redcat=[]"), "did you mean redact"),
        (("sign", tmp_path / "empty", "--as", "Ines"), "no finished audit"),
        (("verify", tmp_path / "empty"), "no ledger"),
        (("verify", tmp_path / "empty", "--row", "x"), "no manifest"),
    ):
        with pytest.raises(InputError, match="→") as found:
            call(*arguments)
        assert says in str(found.value)
    assert not (tmp_path / "run-clean").exists()
    (tmp_path / "tickets.jsonl").write_text("changed")
    with pytest.raises(InputError, match="changed since the audit"):
        call("clean", run)
    (tmp_path / "tickets.jsonl").unlink()
    with pytest.raises(InputError, match="are not here"):
        call("clean", run)
