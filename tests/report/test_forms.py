"""Every form of a report carries the verdict, keeps hostile text as text, and validates against its own format's schema."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from checked import checked
from wolfnote import Estimate, Finding, InputError, Result, Skipped, Verdict, report
from wolfnote.folder import RunFolder
from wolfnote.settings import Policy

HOSTILE = (
    "=cmd|' /C calc'!A0 <script>alert(1)</script> @team `x` | [link](javascript:alert(1)) \x00\x1b[31m\ud800 ]]> -->\n# head"
)
FORMS = ("html", "markdown", "card", "junit", "csv", "mlbom")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checked(tmp_path_factory.mktemp("forms"), shift=0.6, harmful=4)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A finished run whose every text is hostile, in as much as JSON can carry it."""
    text = HOSTILE.replace("\ud800", "")
    finding = Finding("WN101", "error", text, text, text, remedy=text)
    estimate = Estimate(text, 0.125, -0.5, 0.5, 7, text)
    parts = tuple(Result(text, verdict, (text,), (estimate,)) for verdict in Verdict)
    with RunFolder.hold(tmp_path / "run", Policy(), {"data": "ab" * 32, text: text}) as held:
        held.finish(Result("audit", Verdict.FAIL, (text,), (estimate,), (finding,), (Skipped(text, text),), parts))
    return tmp_path / "run"


def published(name: str) -> bytes:
    """A schema as its authors publish it, test time only and never in the repository: ``SCHEMAS`` names the folder. From
    github.com/windyroad/JUnit-Schema (JUnit.xsd) and github.com/oasis-tcs/sarif-spec (sarif-schema-2.1.0.json)."""
    path = Path(os.environ.get("SCHEMAS", "/tmp/schemas")) / name  # noqa: S108 - read only
    if not path.is_file():
        pytest.skip(f"{name} is not here: put it into the folder that SCHEMAS names")
    return path.read_bytes()


def bom(text: str) -> list[str]:
    """What the real CycloneDX 1.6 schema has against it."""
    validation = pytest.importorskip("cyclonedx.validation.json", reason="pip install 'cyclonedx-python-lib[validation]'")
    schema = pytest.importorskip("cyclonedx.schema")
    errors = validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(text, all_errors=True)
    return [str(error) for error in errors or ()]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_tells_the_verdict_and_every_stage(run: Path, form: str) -> None:
    """FAIL is in all of them, and so are the stages that were not run."""
    text = report.render(run, form)
    assert "FAIL" in text
    assert "bench" in text.lower()


def test_the_ml_bom_validates(run: Path, hostile: Path) -> None:
    """CycloneDX 1.6, by its own strict schema: models, data by hash, metrics with intervals, limits."""
    for folder in (run, hostile):
        assert bom(report.render(folder, "mlbom")) == []
    tree = json.loads(report.render(run, "mlbom"))
    assert tree["metadata"]["component"]["type"] == "machine-learning-model"
    data = next(c for c in tree["components"] if c["type"] == "data")
    assert len(data["hashes"][0]["content"]) == 64
    metrics = tree["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert any(m["type"] == "near net of fact" and "confidenceInterval" in m for m in metrics)
    assert bom(report.render(run, "mlbom").replace('"type": "data"', '"type": "horoscope"')) != []


def test_junit_has_one_failure_for_whatever_did_not_pass(run: Path, hostile: Path) -> None:
    """Well-formed whatever is in it; FAIL and INCONCLUSIVE are failures, NOT RUN is skipped, only PASS passes; counts add up."""
    for folder in (run, hostile):
        root = ElementTree.fromstring(report.render(folder, "junit").encode())  # noqa: S314 - our own text
        for suite in root:
            cases = suite.findall("testcase")
            assert int(suite.get("tests", "")) == len(cases)
            assert int(suite.get("failures", "")) == sum(case.find("failure") is not None for case in cases)
            assert int(suite.get("skipped", "")) == sum(case.find("skipped") is not None for case in cases)
    passed = [case for case in root.iter("testcase") if case.find("failure") is None and case.find("skipped") is None]
    assert len(passed) == 1  # of the hostile run's four parts and itself, one is a PASS


def test_junit_validates(run: Path, hostile: Path) -> None:
    """The JUnit schema of Windy Road (Apache Ant's), by lxml."""
    etree = pytest.importorskip("lxml.etree", reason="pip install lxml")
    schema = etree.XMLSchema(etree.fromstring(published("JUnit.xsd")))
    for folder in (run, hostile):
        text = report.render(folder, "junit").encode()
        schema.assertValid(etree.fromstring(text))
        assert not schema.validate(etree.fromstring(text.replace(b"<testcase ", b"<test ").replace(b"</testcase>", b"</test>")))


def test_markdown_is_text_whatever_is_in_it(hostile: Path) -> None:
    """No tag, link, mention, table cell or heading of a stranger's."""
    for form in ("markdown", "card"):
        text = report.render(hostile, form)
        assert "<script" not in text
        assert "@team" not in text
        assert "](javascript" not in text
        assert "\x1b" not in text
        assert not any(line.startswith("# head") for line in text.split("\n"))
        for line in text.split("\n"):
            if line.startswith("|") and form == "markdown":
                assert line.count("|") == 4, line


def test_csv_cells_are_no_formulas_and_read_back(run: Path, hostile: Path) -> None:
    """A spreadsheet takes no cell for a formula, and every number of the run is there as it is."""
    for line in csv.reader(io.StringIO(report.render(hostile, "csv"))):
        assert not any(cell.startswith(("=", "@", "+")) for cell in line)
    rows = list(csv.DictReader(io.StringIO(report.render(run, "csv"))))
    stored = json.loads((run / "stages/probe/result.json").read_text())["estimates"]
    read = {row["estimate"]: row for row in rows if row["part"] == "check / probe"}
    assert {name: float(row["value"]) for name, row in read.items()} == {e["name"]: e["value"] for e in stored}


def test_sarif_validates(run: Path, hostile: Path) -> None:
    """SARIF 2.1.0 by the schema of OASIS, also with hostile text."""
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    validator = jsonschema.Draft7Validator(json.loads(published("sarif-schema-2.1.0.json")))
    for folder in (run, hostile):
        log = json.loads(report.sarif_text(folder, {}))
        assert [error.message for error in validator.iter_errors(log)] == []
        assert not validator.is_valid(log | {"version": "3"})


def test_sarif_names_the_lines(run: Path) -> None:
    """Each row's finding of a check lands on its own line, under its own rule."""
    log: dict[str, Any] = json.loads(report.sarif_text(run, {}))
    assert log["version"] == "2.1.0"
    places = [r["locations"][0]["physicalLocation"] for r in log["runs"][0]["results"] if r["ruleId"].startswith("WN19")]
    lines = {place["region"]["startLine"] for place in places}
    assert lines == {1, 2, 3, 4}
    assert all(place["artifactLocation"]["uri"].endswith("tickets.jsonl") for place in places)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in log["runs"][0]["results"])


def test_an_unknown_form_is_one_line(run: Path, tmp_path: Path) -> None:
    """The forms are named; half a run has none."""
    with pytest.raises(InputError, match="html, markdown, card, junit, csv, mlbom, sarif"):
        report.render(run, "pdf")
    for form in FORMS:
        with pytest.raises(InputError, match="no finished run"):
            report.render(tmp_path, form)


def test_a_trend_puts_releases_side_by_side(run: Path, tmp_path: Path) -> None:
    """The same estimate of two runs in one picture, the verdicts in one table; a run alone is no trend."""
    second = checked(tmp_path / "v2")
    page = report.compare([run, second])
    assert page.count("<svg") >= 5
    assert "probe: near net of fact, release by release" in page
    assert "https://" not in page
    rows = list(csv.DictReader(io.StringIO(report.compare([run, second], "csv"))))
    near = [row for row in rows if row["estimate"] == "probe: near net of fact"]
    assert [row["verdict"] for row in near] == ["FAIL", "PASS"]
    assert len({row["run"] for row in near}) == 2  # both folders are called check
    with pytest.raises(InputError, match="two runs"):
        report.compare([run])
    with pytest.raises(InputError, match="no finished run"):
        report.compare([run, tmp_path])
