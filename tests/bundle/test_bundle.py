"""A bundle holds the evidence, says what is absent, keeps texts back on request, and tells half a run from a whole one."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from checked import checked, rows
from wolfnote import InputError, bundle
from wolfnote.bundle import evidence, withholding

WORD = "xylophone-smuggler"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checked(tmp_path_factory.mktemp("bundled"), harmful=2, text=f" The word is {WORD}.")


def test_the_files_of_an_auditor_are_there_or_absent(run: Path, tmp_path: Path) -> None:
    """Every name that an auditor looks for is a file or is listed with the reason why not; none is made up."""
    made = bundle.write(run, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        names = set(archive.namelist())
    absent = {line.split(":")[0] for line in made.absent}
    assert {"audit.sample.csv", "gate.json", "ood.responses.jsonl", "dataset.manifest.json", "mlbom.cdx.json"} <= names
    assert {"decision.json", "persona.json", "rollout.log", "positive_control.json"} <= absent
    assert not names & absent
    assert set(evidence.FILES) <= names | absent
    lines = bundle.verify(tmp_path / "b.zip").lines
    assert any(line.startswith("ABSENT") and "decision.json: no advise was run" in line for line in lines)


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    """Two bundles of one run are one file: nothing of the clock or the machine gets in."""
    for name in ("one.zip", "two.zip"):
        bundle.write(run, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "one.zip") as one, zipfile.ZipFile(tmp_path / "two.zip") as two:
        for info in one.infolist():
            if info.filename not in ("dataset.manifest.json", "manifest.json"):  # it says when the data were hashed
                assert one.read(info) == two.read(info.filename), info.filename


def test_withheld_texts_are_nowhere_and_it_still_verifies(run: Path, tmp_path: Path) -> None:
    """No word of a row or an answer is left in any file, tables included; hashes stand there, and every number still follows."""
    out = tmp_path / "veiled"
    bundle.write(run, out, withhold=True)
    for path in out.rglob("*"):
        if path.suffix == ".parquet":
            content = str(duckdb.sql(f"SELECT * FROM '{path}'").fetchall())  # noqa: S608
        else:
            content = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        assert WORD not in content, path
    told = bundle.verify(out)
    assert told.faults == []
    assert told.exit_code == 0
    bundle.write(run, tmp_path / "open")
    assert WORD in (tmp_path / "open" / "ood.responses.jsonl").read_text()


def test_a_killed_run_verifies_as_incomplete(run: Path, tmp_path: Path) -> None:
    """Without result.json of a stage and of the whole, nothing is passed off as finished: exit code 3, and it says which."""
    import shutil

    half = Path(shutil.copytree(run, tmp_path / "half"))
    for name in ("result.json", "report.html", "stages/probe/result.json"):
        (half / name).unlink()
    made = bundle.write(half, tmp_path / "half.zip")
    assert not made.complete
    told = bundle.verify(tmp_path / "half.zip")
    assert told.exit_code == 3
    assert "INCOMPLETE: the run has not finished" in told.open
    assert any(line.startswith("probe: INCOMPLETE") for line in told.open)
    assert any(line.startswith("model-card.md") for line in told.absent)
    assert "DOES NOT" not in told.lines[-1]
    assert "has not finished" in told.lines[-1]


def test_a_cited_certificate_leaves_it_open(run: Path, tmp_path: Path) -> None:
    """A result that is cited without its rows cannot be recomputed: not a fault, and not whole."""
    import shutil

    from wolfnote.folder import RunFolder
    from wolfnote.pipeline import concluding
    from wolfnote.results import Result, Verdict
    from wolfnote.settings import Policy

    cited = Path(shutil.copytree(run, tmp_path / "cited"))
    with RunFolder.hold(cited / "certificate", Policy()) as held:
        held.finish(Result("demo", Verdict.PASS, ("heard",)))
    stored = json.loads((cited / "result.json").read_text())
    assert concluding.conclude(cited).verdict.value == stored["verdict"]
    bundle.write(cited, tmp_path / "cited.zip")
    told = bundle.verify(tmp_path / "cited.zip")
    assert told.exit_code == 3
    assert any("NOT RECOMPUTED" in line for line in told.open)
    assert (tmp_path / "cited.zip").is_file()


def test_a_kind_that_nothing_can_recompute_is_open(tmp_path: Path) -> None:
    """An unknown kind of run is NOT RECOMPUTED, and never verified."""
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result, Verdict
    from wolfnote.settings import Policy

    with RunFolder.hold(tmp_path / "run", Policy()) as held:
        held.finish(Result("horoscope", Verdict.PASS, ("the stars",)))
    bundle.write(tmp_path / "run", tmp_path / "b.zip")
    told = bundle.verify(tmp_path / "b.zip")
    assert told.exit_code == 3
    assert any("NOT RECOMPUTED" in line for line in told.open)


def test_data_that_changed_are_not_in_the_manifest(run: Path, tmp_path: Path) -> None:
    """The data's manifest is of the data that were audited: with others at their place it is ABSENT, with the reason."""
    import shutil

    moved = Path(shutil.copytree(run, tmp_path / "moved"))
    about = json.loads((moved / "stages/audit/run.json").read_text())
    about["data"] = [str(rows(tmp_path / "tickets.jsonl", 10))]
    (moved / "stages/audit/run.json").write_text(json.dumps(about))
    made = bundle.write(moved, tmp_path / "b.zip")
    assert any(line.startswith("dataset.manifest.json") and "changed since the audit" in line for line in made.absent)


def test_verify_loads_no_torch(run: Path, tmp_path: Path) -> None:
    """The auditor's machine needs neither torch nor transformers, and asks no host."""
    bundle.write(run, tmp_path / "b.zip")
    code = (
        "import sys\n"
        "class No:\n"
        "    def find_spec(self, name, *a):\n"
        "        assert name.partition('.')[0] not in ('torch', 'transformers', 'peft', 'httpx'), name\n"
        "sys.meta_path.insert(0, No())\n"
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('a connection')\n"
        "socket.socket.connect = refuse\n"
        f"sys.argv = ['wolfnote', 'verify', {str(tmp_path / 'b.zip')!r}]\n"
        "from wolfnote.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].startswith("verifies")


def test_a_stage_whose_result_was_taken_out_is_a_fault(run: Path, tmp_path: Path) -> None:
    """Not a traceback: what cannot be read is said."""
    bundle.write(run, tmp_path / "b")
    (tmp_path / "b" / evidence.RUN / "stages" / "audit" / "result.json").unlink()
    told = bundle.verify(tmp_path / "b")
    assert told.exit_code == 1
    assert any("missing" in fault for fault in told.faults)


def test_every_text_is_withheld_whatever_the_arm_is_called() -> None:
    """An advisor's answers by arm, an answer token by token: hashes stand in their place."""
    row = {"said": {"RAG": WORD, "few-shot": WORD}, "tokens": [WORD, WORD], "score": 0.5}
    shown = withholding.veiled(row)
    assert WORD not in json.dumps(shown)
    assert shown["score"] == 0.5


def test_what_is_no_run_is_one_line(run: Path, tmp_path: Path) -> None:
    """A folder that is no run, an --out that is there: named, with a remedy; the earlier bundle is left alone."""
    (tmp_path / "earlier.zip").write_text("kept")
    with pytest.raises(InputError, match="is there already"):
        bundle.write(run, tmp_path / "earlier.zip")
    assert (tmp_path / "earlier.zip").read_text() == "kept"
    with pytest.raises(InputError, match="not a wolfnote run"):
        bundle.write(tmp_path, tmp_path / "b.zip")
    (tmp_path / "b.zip").write_text("no zip")
    with pytest.raises(InputError, match="not a readable zip"):
        bundle.verify(tmp_path / "b.zip")
