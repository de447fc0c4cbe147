"""A finished run in the form that its reader needs."""

from __future__ import annotations

from pathlib import Path

from wolfnote.errors import InputError
from wolfnote.report import card, html, junit, markdown, mlbom, spreadsheet

FORMS = {
    "html": html.page,
    "markdown": markdown.text,
    "card": card.section,
    "junit": junit.suites,
    "csv": spreadsheet.rows,
    "mlbom": mlbom.text,
}


def render(folder: Path, format: str = "html") -> str:
    """The run as text. Raises ``InputError`` when the folder holds no result, or for an unknown format."""
    if format not in FORMS:
        raise InputError(f"no such format: {format}", where="--format", remedy=", ".join((*FORMS, "sarif")))
    return FORMS[format](folder)
