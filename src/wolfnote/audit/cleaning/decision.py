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
from wolfnote.errors import SettingsError
from wolfnote.records import Message, Sample
from wolfnote.settings import Policy

Kind = Literal["kept", "redacted", "corrected", "quarantined"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[clean]``."""

    redact: tuple[str, ...] = tuple(redaction.SPANS)
    """Codes of what is taken out of a row that stays otherwise as it is; a row where that cannot be is quarantined."""
    source: str = ""
    """The column that says where a row comes from (a client, a brand), for the counts; a row without it counts to its file."""

    def check(self) -> None:
        """Raise ``SettingsError`` for a code of which nobody knows where in a text it stands."""
        unknown = [code for code in self.redact if code not in redaction.SPANS]
        if unknown:
            known = ", ".join(redaction.SPANS)
            raise SettingsError(f"{unknown[0]} cannot be redacted", where="clean.redact", remedy=f"known: {known}")


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
    live = [flag for flag in flags if policy.waived(flag.code, today) is None]
    spans = [flag for flag in live if flag.code in settings.redact]  # an e-mail address is no hazard, and goes all the same
    others = [] if said is not None else [flag for flag in live if flag.counts and flag.code not in settings.redact]
    if others:
        return Outcome("quarantined", sample, _reasons(others))
    if not spans:
        return Outcome("kept", sample)
    redacted = redaction.redact(sample, settings.redact)
    if redacted is None:
        return Outcome("quarantined", sample, (*_reasons(spans), "it could not be taken out"))
    return Outcome("redacted", redacted, _reasons(spans))


def _reasons(flags: Sequence[Flag]) -> tuple[str, ...]:
    """Each once; without the evidence, which for a secret is the secret."""
    return tuple(dict.fromkeys(f"{flag.code}: {flag.message}" for flag in flags))
