"""Is a folder still what it was? Its ledger, its signatures and the data beside its manifest, each read again."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from wolfnote.audit import ledger, manifest, recomputing, scores, signing
from wolfnote.errors import InputError, RunError

RESULT = f"tables/{scores.FILE}"
"""What an audit's result can be made from again."""


class Verification(NamedTuple):
    """What holds and what does not, a line each."""

    held: tuple[str, ...]
    faults: tuple[str, ...]


def verify(folder: Path) -> Verification:
    """Check whatever there is to check. Raises ``InputError`` when there is nothing."""
    checks = {ledger.FILE: _ledger, RESULT: _result, signing.FILE: _signatures, manifest.FILE: _data}
    present = [check for name, check in checks.items() if (folder / name).is_file()]
    if not present:
        raise InputError(
            "no ledger, signatures or manifest here", where=str(folder), remedy="give the folder of an audit or of a cleaning"
        )
    held: list[str] = []
    faults: list[str] = []
    for check in present:
        try:
            good, bad = check(folder)
        except (InputError, RunError) as error:
            good, bad = [], [str(error)]
        held += good
        faults += bad
    return Verification(tuple(held), tuple(dict.fromkeys(faults)))


def _ledger(folder: Path) -> tuple[list[str], list[str]]:
    entries = ledger.read(folder)
    return [f"ledger: {len(entries)} entries, one chain"], signing.missing(folder)


def _result(folder: Path) -> tuple[list[str], list[str]]:
    wrong = recomputing.faults(folder)
    return [] if wrong else ["result: the same again from the tables"], wrong


def _signatures(folder: Path) -> tuple[list[str], list[str]]:
    held, faults = [], []
    for signature, wrong in signing.check(folder):
        who = f"{signature.name}{f', {signature.role}' if signature.role else ''}, {signature.at[:10]}: {signature.verdict}"
        by = f"key {signature.key[:16]}…" if signature.key else "without a key"
        held += [] if wrong else [f"signature: {who}, {by}"]
        faults += [f"signature of {who}: {fault}" for fault in wrong]
    return held, faults


def _data(folder: Path) -> tuple[list[str], list[str]]:
    said = manifest.read(folder)
    return [f"data: {said.rows:,} rows, root {said.root[:16]}…"] if not (wrong := manifest.verify(folder)) else [], wrong
