"""Findings as SARIF 2.1.0: what GitHub, GitLab and editors show beside the lines of the data. ``sarif.of(result) -> dict``.

Evidence stays out: it may be a secret, and more people see code scanning than the data. Messages are plain text, none of it
markup. GitHub takes 25,000 results a run and shows 5,000, so by default the worst 5,000 are given and the others
counted in a notification; rows that could not be read are notifications, too, and make the run an unsuccessful one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wolfnote.errors import InputError
from wolfnote.folder import all_findings, read_result
from wolfnote.results import Finding, Result, Skipped

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
LIMIT = 5000
HOME = "https://pypi.org/project/wolfnote/"


def of(result: Result, *, version: str, explanations: Mapping[str, str] | None = None, limit: int = LIMIT) -> dict[str, Any]:
    """The findings of a result and its parts as one SARIF log. ``explanations``: code → what ``wolfnote explain`` says."""
    order = list(LEVELS)
    found = sorted(all_findings(result), key=lambda finding: order.index(finding.severity))
    shown = found[:limit]
    codes = sorted({finding.code for finding in shown})
    rules = [_rule(code, explanations or {}) for code in codes]
    driver = {"name": "wolfnote", "version": version, "informationUri": HOME, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result.skipped, len(found) - len(shown))],
        "results": [_result(finding, codes.index(finding.code)) for finding in shown],
        "properties": {"verdict": result.verdict.value, "reasons": list(result.reasons), "runId": result.run_id},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_text(run: Path, explanations: Mapping[str, str]) -> str:
    """The SARIF log of a finished run as JSON. Raises ``InputError`` when the folder holds no result."""
    result = read_result(run)
    if result is None:
        raise InputError("no finished run here", where=str(run), remedy="give the folder that --out named")
    return json.dumps(of(result, version=metadata.version("wolfnote"), explanations=explanations), indent=1)


def _rule(code: str, explanations: Mapping[str, str]) -> dict[str, Any]:
    text = explanations.get(code, code).strip()
    head = text.splitlines()[0].removeprefix(code).strip(" :.") if text else ""
    return {
        "id": code,
        "shortDescription": {"text": head or code},
        "fullDescription": {"text": text or code},
        "help": {"text": f"{text}\n\nwolfnote explain {code}"},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    text = finding.message + (f" → {finding.remedy}" if finding.remedy else "")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": text or finding.code},
        "partialFingerprints": {"wolfnote/v1": _fingerprint(finding)},
    }
    if finding.where:
        result["locations"] = [{"physicalLocation": _place(finding.where)}]
    if finding.confidence is not None:
        result["rank"] = round(100 * min(1.0, max(0.0, finding.confidence)), 1)
    return result


def _place(where: str) -> dict[str, Any]:
    """``path:line`` → a place; relative paths stay relative to where the audit ran, which in CI is the checkout."""
    path, colon, line = where.rpartition(":")
    if not (colon and line.isascii() and line.isdigit()):
        path, line = where, ""
    uri = Path(path).as_uri() if Path(path).is_absolute() else quote(Path(path).as_posix(), errors="replace")
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line and int(line) > 0:
        place["region"] = {"startLine": int(line)}
    return place


def _fingerprint(finding: Finding) -> str:
    """The same for the same words found in the same file, wherever in it they move to."""
    parts = [finding.code, finding.where.rpartition(":")[0], finding.message, finding.evidence]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _invocation(skipped: Sequence[Skipped], left_out: int) -> dict[str, Any]:
    texts = [f"{each.count} × {each.what} not read: {each.reason}" for each in skipped]
    texts += [f"{left_out} further findings are not listed here; the run folder has them all"] if left_out else []
    notes = [{"level": "warning", "message": {"text": text}} for text in texts]
    return {"executionSuccessful": not skipped, "toolExecutionNotifications": notes}
