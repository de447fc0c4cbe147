"""SARIF 2.1.0 that code scanning takes: the schema's required fields and kinds, real places, nothing that leaks or breaks."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wolfnote import Finding, Result, Skipped, Verdict
from wolfnote.report import sarif


def made(*findings: Finding, **more: Any) -> dict[str, Any]:
    limit = more.pop("limit", 5000)
    return sarif.of(
        Result("audit", Verdict.FAIL, findings=findings, **more),
        version="1",
        explanations={"WN102": "WN102 Hostility.\n\nBad: …"},
        limit=limit,
    )


def check(log: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 requires of the objects that are used, and what GitHub asks beyond it."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].startswith("https://")
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert isinstance(driver["name"], str)
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["fullDescription"]["text"]
            assert rule["help"]["text"]
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            assert all(note["message"]["text"] for note in invocation["toolExecutionNotifications"])
        for result in run["results"]:
            assert result["message"]["text"]
            assert result["level"] in ("none", "note", "warning", "error")
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
            assert -1.0 <= result.get("rank", -1.0) <= 100.0
            for location in result.get("locations", []):
                place = location["physicalLocation"]
                uri = place["artifactLocation"]["uri"]
                assert uri.isascii()
                assert not set(uri) & set(' "<>\\^`{|}')
                assert place.get("region", {"startLine": 1})["startLine"] >= 1


def test_a_finding_on_its_line() -> None:
    """Code, level, message, remedy and place; no evidence, which may be a secret."""
    log = made(Finding("WN102", "warning", "hostile words", "data/my tickets.jsonl:12", "sk-secret", 0.9, "review the row"))
    check(log)
    run = log["runs"][0]
    result = run["results"][0]
    assert result["message"]["text"] == "hostile words → review the row"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "data/my%20tickets.jsonl"},
        "region": {"startLine": 12},
    }
    assert (result["level"], result["rank"]) == ("warning", 90.0)
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"] == "Hostility"
    assert "sk-secret" not in json.dumps(log)


def test_the_worst_are_listed_first_and_the_others_counted() -> None:
    """Errors before warnings before notes; parts' findings, too; rows nobody read make the run unsuccessful."""
    part = Result("tier", Verdict.FAIL, findings=(Finding("WN105", "error", "insecure"),))
    log = made(
        *[Finding("WN102", "info", f"m{i}", f"d:{i + 1}") for i in range(5)],
        parts=(part,),
        limit=3,
        skipped=(Skipped("row", "not JSON", 4),),
    )
    check(log)
    run = log["runs"][0]
    assert [result["level"] for result in run["results"]] == ["error", "note", "note"]
    texts = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert texts == ["4 × row not read: not JSON", "3 further findings are not listed here; the run folder has them all"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert made()["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_a_fingerprint_moves_with_the_row() -> None:
    """The same words on another line are the same finding; other words are not."""

    def of(line: int, evidence: str) -> str:
        return made(Finding("WN102", "warning", "m", f"d:{line}", evidence))["runs"][0]["results"][0]["partialFingerprints"][
            "wolfnote/v1"
        ]

    assert of(3, "x") == of(99, "x") != of(3, "y")


@given(st.text(), st.text(), st.text(), st.one_of(st.none(), st.floats(allow_nan=False)))
def test_whatever_the_data_say(where: str, message: str, evidence: str, confidence: float | None) -> None:
    """Hostile places and texts stay texts: the log is valid, and JSON."""
    log = made(Finding("WN102", "warning", message, where, evidence, confidence))
    check(log)
    json.loads(json.dumps(log))
