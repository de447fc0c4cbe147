"""What becomes of one row, and why.

The user's correction comes first; then what people settled; then what detectors flagged. A person's "clean" outweighs a
detector's flag, except for secrets and personal data: they are taken out of every row that is kept.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from wolfnote.audit.cleaning import corrections, redaction
from wolfnote.audit.detector import Flag
from wolfnote.records import Message, Sample
from wolfnote.settings import Policy

Kind = Literal["kept", "redacted", "corrected", "quarantined"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[clean]``."""

    redact: tuple[str, ...] = ("WN124", "WN125")
    """Codes whose evidence is taken out of a row; a row where that is not certain is quarantined."""
    source: str = ""
    """The column that says where a row comes from (a client, a brand), for the counts; empty = its file."""


class Outcome(NamedTuple):
    """``sample`` is the row as it goes on; for a quarantined one as it came."""

    kind: Kind
    sample: Sample
    reasons: tuple[str, ...] = ()


def decide(
    sample: Sample,
    flags: Sequence[Flag],
    said: Sequence[str] | None,
    turns: tuple[Message, ...] | None,
    settings: Settings,
    policy: Policy,
    today: datetime.date,
) -> Outcome:
    """``said``: what people settled (no categories = clean, None = nothing); ``turns``: the user's correction, if any."""
    if turns is not None:
        return Outcome("corrected", corrections.correct(sample, turns), ("corrected by the user",))
    if said:
        return Outcome("quarantined", sample, tuple(f"reviewed: {category}" for category in said))
    live = [flag for flag in flags if flag.counts and policy.waived(flag.code, today) is None]
    spans = [flag for flag in live if flag.code in settings.redact]
    others = [] if said is not None else [flag for flag in live if flag.code not in settings.redact]
    if others:
        return Outcome("quarantined", sample, _reasons(others))
    if not spans:
        return Outcome("kept", sample)
    redacted = redaction.redact(sample, spans)
    if redacted is None:
        return Outcome("quarantined", sample, (*_reasons(spans), "it cannot be taken out with certainty"))
    return Outcome("redacted", redacted, _reasons(spans))


def _reasons(flags: Sequence[Flag]) -> tuple[str, ...]:
    """Each once; without the evidence, which for a secret is the secret."""
    return tuple(dict.fromkeys(f"{flag.code}: {flag.message}" for flag in flags))
