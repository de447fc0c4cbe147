"""A run as JUnit XML, for the test tab of a CI: a suite a stage, a case a gate. Only PASS is a test that passed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from wolfnote.report import reading
from wolfnote.results import Result, Verdict


def suites(folder: Path) -> str:
    """The XML. FAIL and INCONCLUSIVE are failures, NOT RUN is skipped. Raises ``InputError`` without a result."""
    result, about = reading.finished(folder)
    root = ElementTree.Element("testsuites")
    for number, part in enumerate(reading.stages(result)):
        _suite(root, part, number, str(about.get("started", "")))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, part: Result, number: int, started: str) -> None:
    cases = [*part.parts, part]
    failed = sum(case.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for case in cases)
    skipped = sum(case.verdict is Verdict.NOT_RUN for case in cases)
    suite = ElementTree.SubElement(root, "testsuite", name=_text(part.kind), package="wolfnote", id=str(number))
    facts = {"timestamp": started[:19], "hostname": "localhost", "time": "0"}
    counts = {"tests": len(cases), "failures": failed, "errors": 0, "skipped": skipped}
    for name, value in (facts | counts).items():
        suite.set(name, str(value))
    ElementTree.SubElement(suite, "properties")
    for case in cases:
        _case(suite, case, part.kind)
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(part.reasons))
    ElementTree.SubElement(suite, "system-err")


def _case(suite: ElementTree.Element, part: Result, stage: str) -> None:
    name = "the whole" if part.kind == stage else part.kind
    case = ElementTree.SubElement(suite, "testcase", name=_text(name), classname=_text(f"wolfnote.{stage}"), time="0")
    reasons = _text("\n".join(part.reasons)) or "no reason was given"
    head = reasons.split("\n")[0]
    if part.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        failure = ElementTree.SubElement(case, "failure", message=head, type=part.verdict.value)
        failure.text = reasons
    elif part.verdict is Verdict.NOT_RUN:
        ElementTree.SubElement(case, "skipped", message=head)


def _text(words: str) -> str:
    """Without what XML 1.0 cannot carry."""
    kept = (c for c in words if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff")
    return "".join(kept)
