"""From the stages' results to one verdict. Pure over the check's folder: ``verify`` calls the same function on what is bundled.

The verdict is the worst of all stages that ran and of those that are required; a required stage that did not run is NOT RUN,
so that nothing passes for it. What is said beside it (unsigned, uncertified, left out, waived) changes no verdict.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.errors import InputError
from wolfnote.folder import CERTIFICATE, read_result
from wolfnote.pipeline import checklist, findings
from wolfnote.pipeline.settings import Settings
from wolfnote.pipeline.stages import STAGES
from wolfnote.results import Finding, Result, Skipped, Verdict, worst
from wolfnote.settings import Policy

PROOFS = ("demo", "certificate", "certify")
"""Kinds of runs that plant an effect and hear it."""
SHOWN = 3


class About(NamedTuple):
    """What the check's own folder says: where each stage's run lies, why others were left out, and on which day."""

    check: Settings
    policy: Policy
    stages: dict[str, str]
    left_out: dict[str, str]
    canary: dict[str, Any]
    day: datetime.date


def conclude(folder: Path, was_signed: bool | None = None) -> Result:
    """The verdict of a check whose stages have ended. ``was_signed``: whether the audit was signed, where the folder can no
    longer show it. Raises ``InputError`` for a folder that is no check's."""
    about = read(folder)
    audit = about.stages.get("audit")
    heard = audit is not None and (signed(folder / audit) if was_signed is None else was_signed)
    parts = {name: _part(folder, place, name, heard) for name, place in about.stages.items()}
    for name, reason in about.left_out.items():
        parts[name] = Result(name, Verdict.NOT_RUN, (reason,))
    ordered = [parts[stage.name] for stage in STAGES if stage.name in parts]
    told = tuple(_findings(folder, about, heard))
    ready = _readiness(told)
    article = [checklist.tick(folder, parts, about.canary)] if about.check.preset == "article" else []
    counted = [part for part in (*ordered, ready) if part.kind in about.stages or part.kind in about.check.require]
    verdict = worst(part.verdict for part in (*counted, *article))
    skipped = tuple(Skipped("stage", f"{name}: {reason}") for name, reason in about.left_out.items())
    every = (*ordered, ready, *article)
    return Result("check", verdict, tuple(_reasons(ordered, about)), findings=told, skipped=skipped, parts=every)


def read(folder: Path) -> About:
    """What the check has noted. Raises ``InputError`` for what is no check's folder."""
    try:
        noted = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        tables = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))
        return About(
            msgspec.convert(tables.get("check", {}), Settings),
            msgspec.convert(tables.get("policy", {}), Policy),
            msgspec.convert(noted["stages"], dict[str, str]),
            msgspec.convert(noted["left_out"], dict[str, str]),
            msgspec.convert(noted["canary"], dict[str, Any]),
            datetime.date.fromisoformat(noted["day"]),
        )
    except (OSError, KeyError, ValueError, TypeError, msgspec.ValidationError) as error:
        remedy = "give the folder that 'wolfnote check' made"
        raise InputError(f"not a finished check ({error})", where=str(folder), remedy=remedy) from None


def _part(folder: Path, place: str, name: str, heard: bool) -> Result:
    """A stage's result under the stage's name, its tables named from the check's folder; what people signed first."""
    found = read_result(folder / place)
    if found is None:
        return Result(name, Verdict.NOT_RUN, ("it did not finish",))
    people = folder / place / "gate.json"
    if name == "audit" and heard and people.is_file():
        said = msgspec.json.decode(people.read_bytes(), type=Result)
        reasons = tuple(f"people: {reason}" for reason in said.reasons)
        found = msgspec.structs.replace(found, verdict=said.verdict, reasons=reasons, estimates=said.estimates)
    return msgspec.structs.replace(_moved(found, place), kind=name)


def _moved(result: Result, place: str) -> Result:
    tables = {name: f"{place}/{file}" for name, file in result.tables.items()}
    return msgspec.structs.replace(result, tables=tables, parts=tuple(_moved(part, place) for part in result.parts))


def _reasons(parts: list[Result], about: About) -> Iterator[str]:
    """One line or a few a stage, what failed first."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.PASS)
    for part in sorted(parts, key=lambda part: order.index(part.verdict)):
        if part.kind in about.left_out:
            asked = " It is required: nothing passes without it." if part.kind in about.check.require else ""
            yield f"{part.kind}: NOT RUN: {part.reasons[0]}.{asked}"
            continue
        shown = [reason for reason in part.reasons if f": {part.verdict.value}" in reason] or list(part.reasons)
        yield f"{part.kind}: {part.verdict.value}: " + "; ".join(shown[:SHOWN])


def _findings(folder: Path, about: About, heard: bool) -> Iterator[Finding]:
    if "audit" in about.stages and not heard:
        yield findings.unsigned(str(Path(about.stages["audit"])))
    proof = _unproved(folder, about)
    if proof:
        yield findings.uncertified(about.check.certificate, proof)
    if not isinstance(about.canary.get("share"), int | float):
        yield findings.leashless("no gateway is configured: check.canary")
    for waiver in about.policy.waivers:
        yield findings.waived(waiver) if waiver.expires >= about.day else findings.expired(waiver)
    asks = {stage.name: stage.asks for stage in STAGES}
    for name, reason in about.left_out.items():
        yield findings.left_out(name, asks.get(name, ""), reason)


def signed(run: Path) -> bool:
    """Whether somebody signed the audit and every signature holds."""
    from wolfnote.audit import signing

    if not (run / signing.FILE).is_file():
        return False
    checked = signing.check(run)
    return bool(checked) and not any(each.faults for each in checked)


def _unproved(folder: Path, about: About) -> str:
    """Why there is no positive control; "" when there is one that passed."""
    if not about.check.certificate:
        return "no certificate is named"
    found = read_result(folder / CERTIFICATE)
    if found is None:
        return "the run that is named has not finished"
    if found.kind not in PROOFS:
        return f"the run that is named is of kind {found.kind}"
    return "" if found.verdict is Verdict.PASS else f"its verdict is {found.verdict.value}"


def _readiness(told: tuple[Finding, ...]) -> Result:
    """Whether anything is still missing before the rollout. PASS: signed, proved on a planted effect, on a leash."""
    open_ = tuple(finding.message for finding in told if finding.severity == "warning")
    if open_:
        return Result("readiness", Verdict.NOT_RUN, open_)
    return Result("readiness", Verdict.PASS, ("signed, proved on a planted effect, and on a leash",))
