"""What a probe asks by itself, and whether it was asked for something that can be done."""

from __future__ import annotations

from pathlib import Path

from wolfnote.errors import InputError
from wolfnote.probe.question import Asked, plainly, unrelated
from wolfnote.probe.reading import Settings


def asked(settings: Settings) -> list[Asked]:
    """Wolfnote's unrelated questions, as many as the settings say."""
    return plainly(unrelated(settings.questions or None))


def check(tuned: str, log: Path | None) -> None:
    """Raises ``InputError`` unless there is something to compare with the base: a tuned model or a log, not both."""
    if bool(tuned) == bool(log):
        remedy = "give --tuned MODEL, or --log FILE with what it answered; not both"
        raise InputError("what is to be compared with the base?", where="--tuned", remedy=remedy)
