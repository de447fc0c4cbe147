"""Who may sign what, and what a signature shows once something was changed."""

import subprocess
from pathlib import Path

import pytest

from audited import audited, judge, line
from wolfnote import InputError, RunError
from wolfnote.audit import keys, ledger, people, signing, verification
from wolfnote.audit.journal import Journal
from wolfnote.records import Sample


def reviewed(folder: Path, *reviewers: str, drawn: int = 20) -> tuple[Path, list[Sample]]:
    run, rows = audited(folder, drawn=drawn, author="Dev")
    for reviewer in reviewers:
        judge(run, reviewer, {row.id: () for row in rows[:drawn]})
    return run, rows


def faults(run: Path) -> list[str]:
    return [fault for checked in signing.check(run) for fault in checked.faults]


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    return path


def test_a_signature_holds(tmp_path: Path) -> None:
    """Name, role, the people's verdict and the reviewers; the ledger has the step; a second signature is welcome."""
    run, _ = reviewed(tmp_path, "Mara", drawn=40)
    first = signing.sign(run, "Ines", "risk")
    assert (first.name, first.role, first.verdict, first.reviewers, first.author) == ("Ines", "risk", "PASS", ("Mara",), "Dev")
    signing.sign(run, "Mara")
    assert [checked.signature.name for checked in signing.check(run)] == ["Ines", "Mara"]
    assert faults(run) == []
    assert [entry.what for entry in ledger.read(run)] == ["audit", "sign", "sign"]
    assert (run / "gate.json").is_file()
    held = verification.verify(run)
    assert held.faults == ()
    assert held.held[1] == "result: the same again from the tables"
    assert held.held[2].startswith("signature: Ines, risk, ")


@pytest.mark.parametrize("reviewer", ["Dev", "  dev ", "DEV"])
def test_the_author_is_not_the_sole_reviewer(tmp_path: Path, reviewer: str) -> None:
    """However the name is written, and whoever signs; a second reviewer makes it good."""
    run, rows = reviewed(tmp_path, reviewer)
    for name in ("Dev", "Ines"):
        with pytest.raises(InputError, match="sole reviewer"):
            signing.sign(run, name)
    assert not (run / signing.FILE).exists()
    judge(run, "Mara", {row.id: () for row in rows[:20]})
    assert set(signing.sign(run, "Ines").reviewers) == {reviewer, "Mara"}


def test_without_a_review_the_author_may_not_sign_alone(tmp_path: Path) -> None:
    """Then the signer is the only person who looked; somebody else may, and the verdict is the detectors'."""
    run, _ = audited(tmp_path, author="Dev")
    with pytest.raises(InputError, match="the only one to look"):
        signing.sign(run, "dev")
    assert signing.sign(run, "Ines").verdict == "NOT RUN"


def test_an_unfinished_review_is_not_signed(tmp_path: Path) -> None:
    """One random row that nobody judged, or on which two people differ; adjudicated, it is settled."""
    run, rows = audited(tmp_path)
    judge(run, "Mara", {row.id: () for row in rows[:19]})
    with pytest.raises(InputError, match="1 of 20 random rows are not settled"):
        signing.sign(run, "Ines")
    judge(run, "Mara", {rows[19].id: ()})
    judge(run, "Tom", {rows[19].id: ("hostility",)})
    with pytest.raises(InputError, match="1 of 20"):
        signing.sign(run, "Ines")
    judge(run, "Ines", {rows[19].id: ("hostility",)}, adjudicated=True)
    assert signing.sign(run, "Ines").verdict == "INCONCLUSIVE"


def test_an_unfinished_run_is_not_signed(tmp_path: Path) -> None:
    """No result, no signature; a folder that is no run neither."""
    run, _ = reviewed(tmp_path, "Mara")
    (run / "result.json").unlink()
    for folder in (run, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no finished audit"):
            signing.sign(folder, "Ines")


def test_a_broken_ledger_is_not_signed(tmp_path: Path) -> None:
    """Neither added to nor signed."""
    run, _ = reviewed(tmp_path, "Mara")
    path = run / ledger.FILE
    path.write_text(path.read_text().replace("Mara", "Eve"))
    with pytest.raises(RunError, match="line 1"):
        signing.sign(run, "Ines")
    assert not (run / signing.FILE).exists()


@pytest.mark.parametrize("name", ["labels.jsonl", "draw.jsonl", "findings.jsonl", "result.json", "gate.json", "settings.toml"])
def test_a_changed_record_shows(tmp_path: Path, name: str) -> None:
    """Each file the verdict rests on, one byte more."""
    run, _ = reviewed(tmp_path, "Mara")
    signing.sign(run, "Ines")
    (run / name).write_text((run / name).read_text() + " \n")
    assert faults(run) == ["the record was changed after it was signed"]
    assert verification.verify(run).faults[0].endswith("the record was changed after it was signed")


def test_other_data_show(tmp_path: Path) -> None:
    """The hashes of the data in run.json are signed, too."""
    run, _ = reviewed(tmp_path, "Mara")
    signing.sign(run, "Ines")
    text = (run / "run.json").read_text()
    (run / "run.json").write_text(text.replace('"data": "', '"data": "0'))
    assert faults(run) == ["the record was changed after it was signed"]


def test_a_cut_ledger_shows(tmp_path: Path) -> None:
    """The chain holds without its end; the signature knows better."""
    run, _ = reviewed(tmp_path, "Mara")
    ledger.append(run, "review closed", "Mara")
    signing.sign(run, "Ines")
    path = run / ledger.FILE
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    assert ledger.verify(run) is None
    assert faults(run) == [
        "the ledger no longer holds the entry that was signed",
        "the ledger does not know this signature, or it was changed",
    ]


def test_a_forged_signature_shows(tmp_path: Path) -> None:
    """Another name on the line, or a line put in by hand."""
    run, _ = reviewed(tmp_path, "Mara")
    signing.sign(run, "Ines", "risk")
    path = run / signing.FILE
    path.write_text(path.read_text().replace("Ines", "Eve!"))
    assert faults(run) == ["the ledger does not know this signature, or it was changed"]
    path.write_text("{}\n")
    with pytest.raises(RunError, match="no signatures"):
        signing.check(run)


def test_a_key_makes_forging_show_even_in_the_ledger(tmp_path: Path, pem: Path) -> None:
    """Whoever can write the folder can write a ledger; the key they do not have."""
    run, _ = reviewed(tmp_path, "Mara")
    signed = signing.sign(run, "Ines", key=pem)
    assert len(signed.key) == 64
    assert faults(run) == []
    forged = signing.msgspec.structs.replace(signed, verdict="FAIL")
    (run / signing.FILE).unlink()
    Journal(run / signing.FILE, signing.Signature).append([forged])
    ledger.append(run, "sign", "Ines", signature=signing._hash(forged))
    assert faults(run) == ["its key did not make it"]
    assert not keys.holds(signed.key, "zz", b"")


def test_a_key_that_is_none(tmp_path: Path, pem: Path) -> None:
    """One line with the command that makes one; nothing is signed."""
    run, _ = reviewed(tmp_path, "Mara")
    other = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genrsa", "-out", other, "2048"], check=True, capture_output=True)
    (tmp_path / "text.pem").write_text("key")
    for path in (other, tmp_path / "text.pem", tmp_path / "absent.pem"):
        with pytest.raises(InputError, match="genpkey"):
            signing.sign(run, "Ines", key=path)
    assert not (run / signing.FILE).exists()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "\ud800", "\x1b[31mred"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    """Nothing that a terminal or a page would choke on goes into the ledger."""
    run, _ = reviewed(tmp_path, "Mara")
    with pytest.raises(InputError, match="--as"):
        signing.sign(run, name)


def test_the_peoples_verdict_is_of_the_random_part(tmp_path: Path) -> None:
    """The risk row never enters the rate; with the article's preset rows with any category are counted."""
    run, rows = audited(tmp_path, preset="article")
    judge(run, "Mara", {row.id: () for row in rows[:20]} | {rows[-1].id: ("hostility",)})
    assert people.review(run) == people.Review(("Mara",), 20, 20)
    result = people.judge(run, today=signing.datetime.date(2026, 11, 24))
    assert result.estimates[0].value == 0
    judge(run, "Mara", {rows[0].id: ("hostility", "manipulation")})
    assert people.judge(run, today=signing.datetime.date(2026, 11, 24)).verdict.value == "FAIL"
    (run / "draw.jsonl").write_text((run / "draw.jsonl").read_text() + line(rows[0], "random"))
    assert people.judge(run, today=signing.datetime.date(2026, 11, 24)).estimates[0].n == 21


def test_a_result_that_was_changed_is_not_signed(tmp_path: Path) -> None:
    """Whoever writes PASS into result.json, or takes a flag out of a table, gets no signature; verify says what differs."""
    run, _ = audited(tmp_path, flagged={3: "WN102"}, author="Dev")
    result = run / "result.json"
    text = result.read_text()
    result.write_text(text.replace("NOT RUN", "PASS"))
    with pytest.raises(RunError, match="does not follow from the tables: verdict"):
        signing.sign(run, "Ines")
    assert not (run / signing.FILE).exists()
    assert any("does not follow from the tables" in fault for fault in verification.verify(run).faults)
    result.write_text(text)
    assert verification.verify(run).faults == ()


def test_a_result_that_was_changed_after_signing_shows(tmp_path: Path) -> None:
    """In the signature and in the tables; so does a deleted signature, in the ledger."""
    run, _ = audited(tmp_path, flagged={3: "WN102"}, author="Dev")
    signing.sign(run, "Ines")
    (run / "tables" / "scores.parquet").unlink()
    assert any("was changed after it was signed" in fault for fault in verification.verify(run).faults)
    (run / signing.FILE).unlink()
    assert any("is missing" in fault for fault in verification.verify(run).faults)
