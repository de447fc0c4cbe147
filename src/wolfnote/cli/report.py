"""``wolfnote report``: a finished run as a page, for a pull request, for code scanning, for a hub, for a spreadsheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wolfnote.errors import InputError


def report(
    runs: Annotated[list[Path], typer.Argument(help="The folder of a finished run; with --compare, of several.")],
    format_: Annotated[
        str, typer.Option("--format", help="html, markdown, card, sarif, junit, csv or mlbom (CycloneDX 1.6).")
    ] = "html",
    compare: Annotated[bool, typer.Option("--compare", help="One page over several runs, oldest first.")] = False,
) -> None:
    """Print a finished run on stdout, in the form that its reader needs.

    \b
    wolfnote report runs/check > page.html
    wolfnote report runs/check --format markdown >> "$GITHUB_STEP_SUMMARY"
    wolfnote report runs/check --format sarif > wolfnote.sarif
    wolfnote report runs/check --format card >> README.md       the section of a model card
    wolfnote report runs/check-v1 runs/check-v2 --compare > trend.html
    """
    from wolfnote import explanations
    from wolfnote import report as room

    if compare:
        sys.stdout.write(room.compare(runs, format_))
        return
    if len(runs) > 1:
        raise InputError("one run, or several with --compare", where=str(runs[1]), remedy="add --compare")
    if format_ == "sarif":
        sys.stdout.write(room.sarif_text(runs[0], explanations.catalogue()) + "\n")
        return
    sys.stdout.write(room.render(runs[0], format_))
