"""``wolfnote bundle`` and ``wolfnote verify``: one file that proves, and the command that believes nothing it can recompute."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

Key = Annotated[Path | None, typer.Option(help="Your Ed25519 key (openssl genpkey -algorithm ed25519).", show_default=False)]


def bundle(
    run: Annotated[Path, typer.Argument(help="The folder of a run; of 'wolfnote check' for all of it.")],
    out: Annotated[Path, typer.Option(help="A .zip to write, or a folder.")] = Path("evidence.zip"),
    key: Key = None,
    withhold_texts: Annotated[
        bool, typer.Option("--withhold-texts", help="Leave out rows, questions and answers; their hashes take their place.")
    ] = False,
) -> None:
    """Put a run's evidence into one file that 'wolfnote verify' checks without this machine, torch or a network.

    \b
    wolfnote bundle runs/check --out release-7.zip
    wolfnote bundle runs/check --out release-7.zip --key key.pem --withhold-texts
    """
    from wolfnote import bundle as room
    from wolfnote import terminal

    made = room.write(run, out, key=key, withhold=withhold_texts)
    for name in made.absent:
        terminal.note(f"ABSENT  {name}")
    terminal.note(f"{out}: {len(made.files)} files, chain {made.head[:16]}…, " + ("signed" if key else "not signed"))
    if not made.complete:
        terminal.note("INCOMPLETE: this run has not finished, and the bundle says so")


def verify(
    folder: Annotated[
        Path, typer.Argument(help="A bundle (.zip or folder), an audit's folder, or what 'wolfnote clean' made.")
    ],
    row: Annotated[str, typer.Option(help="Print the proof that this row is in the data.", show_default=False)] = "",
    key: Annotated[
        str, typer.Option(help="The public key (64 hex digits) that must have signed the bundle.", show_default=False)
    ] = "",
) -> None:
    """Is it still what it was, and do the numbers follow from the rows? Exit code 0: yes; 1: no; 3: not all can be told.

    \b
    wolfnote verify evidence.zip
    wolfnote verify runs/audit-tickets
    wolfnote verify runs/audit-tickets-clean --row 3f2a91c04b7d8e65
    """
    from wolfnote import bundle as room
    from wolfnote import terminal
    from wolfnote.audit import manifest, verification

    if row:
        sys.stdout.write(msgspec.json.encode(manifest.prove(folder, row)).decode() + "\n")
        return
    if room.is_bundle(folder):
        told = room.verify(folder, key=key)
        for line in told.lines:
            terminal.note(line)
        raise typer.Exit(told.exit_code)
    found = verification.verify(folder)
    for line in (*found.held, *found.faults):
        terminal.note(line)
    terminal.note("holds" if not found.faults else "does not hold")
    raise typer.Exit(1 if found.faults else 0)
