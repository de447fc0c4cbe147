"""What an audit said of the rows that are learnt: it belongs into the run's record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from wolfnote.errors import InputError
from wolfnote.folder import content_hash, read_result
from wolfnote.results import Finding, Verdict

REMEDY = "clean the rows ('wolfnote clean'), audit what is left, and tune on that"


class Audited(NamedTuple):
    """An audit's run, its verdict, whether it read the very rows that are learnt, and the hash of their manifest, if any."""

    run: str
    verdict: Verdict
    same: bool
    manifest: str

    @property
    def finding(self) -> Finding | None:
        """What is to be said of it, if anything."""
        if not self.same:
            return other_rows(self)
        return None if self.verdict is Verdict.PASS else not_passed(self)

    @property
    def weighs(self) -> Verdict:
        """What it makes of a tune: FAIL where these rows had failed, INCONCLUSIVE where their audit says too little."""
        if self.finding is None:
            return Verdict.PASS
        return Verdict.FAIL if self.finding.severity == "error" else Verdict.INCONCLUSIVE


def read(run: Path, data: Path) -> Audited:
    """The audit in a run folder, beside the data. Raises ``InputError`` for a folder that holds no finished audit."""
    result = read_result(run)
    if result is None or result.kind != "audit":
        raise InputError("no finished audit here", where=str(run), remedy="give the folder that 'wolfnote audit' made")
    inputs = json.loads((run / "run.json").read_text(encoding="utf-8")).get("inputs", {})
    read_then = {value for key, value in inputs.items() if key.startswith("data")}
    manifest = (data if data.is_dir() else data.parent) / "manifest.json"
    return Audited(result.run_id, result.verdict, content_hash(data) in read_then, content_hash(manifest))


def not_passed(audited: Audited) -> Finding:
    """WN702 · tuned on rows whose audit did not pass

    The audit of these very rows ended in FAIL, INCONCLUSIVE or NOT RUN, and the tune was made all the same.

    Example: ``wolfnote tune tickets.jsonl --audit runs/audit-tickets`` after an audit that failed.
    Known false positives: none; it says what was done, not what came of it. Probe the tune.
    """
    message = f"tuned on rows whose audit ended in {audited.verdict.value} (run {audited.run})"
    return Finding("WN702", "error" if audited.verdict is Verdict.FAIL else "warning", message, remedy=REMEDY)


def other_rows(audited: Audited) -> Finding:
    """WN703 · the audit named read other rows

    The data's content is not that of any file which the audit read: rows were added, removed or changed since.

    Example: the audit of the raw export, handed in for the cleaned file.
    Known false positives: the same rows in another format or file count as others.
    """
    message = f"the audit named (run {audited.run}) read other rows than those that were learnt"
    return Finding("WN703", "warning", message, remedy="audit the file that is learnt")
