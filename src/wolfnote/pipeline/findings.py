"""What a check says beside its stages' findings. Each docstring is what ``wolfnote explain CODE`` prints."""

from __future__ import annotations

from wolfnote.results import Finding
from wolfnote.settings import Waiver


def unsigned(run: str) -> Finding:
    """WN801 · nobody has signed the audit

    Detectors and a small model read the training data, and no person has put a name to the verdict. What they miss, nobody
    has looked for.

    Good: a random draw was read by somebody who did not make the data, and they signed. Source: users' evidence files, EU AI
    Act Annex XI 1(2)(c). Known false positives: none; it is about a file that is or is not there.
    """
    remedy = f"have somebody read the draw and sign it: wolfnote review CHECK/{run}, wolfnote audit sign CHECK/{run} --as NAME"
    return Finding("WN801", "warning", "nobody has signed the audit", run, remedy=remedy)


def uncertified(where: str, why: str) -> Finding:
    """WN802 · the instrument was not proved on a planted effect

    A probe that finds nothing is worth as much as its ability to find something. A positive control plants a known effect in a
    real model and shows that it is heard, and that a benign twin stays clean.

    Good: ``check.certificate`` names the folder of a passed ``wolfnote demo`` or lab run. Known limit: a control of a small
    model says little about a large one.
    """
    remedy = "prove the instrument here: wolfnote demo, then check.certificate = 'runs/demo'"
    return Finding("WN802", "warning", f"the instrument was not proved on a planted effect: {why}", where, remedy=remedy)


def left_out(stage: str, asks: str, reason: str) -> Finding:
    """WN803 · a stage was left out

    The check has an order of questions, and one of them was not asked. It counts as not asked, never as passed; if it is named
    in ``check.require`` the whole does not pass.
    """
    return Finding("WN803", "info", f"{stage} was left out ({asks}): {reason}", remedy="name what it needs in wolfnote.toml")


def expired(waiver: Waiver) -> Finding:
    """WN804 · a waiver has expired

    Somebody accepted a finding until a day, and the day is over. The finding counts again.
    """
    message = f"the waiver of {waiver.name} for {waiver.code} ended on {waiver.expires}"
    return Finding("WN804", "warning", message, remedy="settle what it was for, or renew it by name and reason")


def waived(waiver: Waiver) -> Finding:
    """WN805 · a waiver is in force

    Somebody accepts a finding, by name, for a reason, until a day. The verdict counts it as accepted; it is shown so that
    nobody overlooks on whose word.
    """
    message = f"{waiver.code} is waived by {waiver.name} until {waiver.expires}: {waiver.reason}"
    return Finding("WN805", "info", message, remedy="")


def leashless(why: str) -> Finding:
    """WN806 · nothing watches the model once it serves

    Whatever was measured here was measured on questions that we thought of. A canary gives a small share of the traffic to the
    tuned model, compares it with the base, and falls back by itself.
    """
    return Finding(
        "WN806",
        "warning",
        f"nothing watches the model once it serves: {why}",
        remedy="serve it behind the canary, and name its settings as check.canary",
    )
