"""Directions to and from other tools' files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wolfnote import network
from wolfnote.errors import InputError

app = typer.Typer()


@app.command()
def export(
    found: Annotated[Path, typer.Argument(help="A direction's file, or a folder with one.")],
    to_file: Annotated[Path, typer.Argument(metavar="OUT", help="What is written: .gguf for llama.cpp, .pt for the others.")],
    to: Annotated[str, typer.Option("--to", help="llama.cpp, persona_vectors or steering-vectors.")] = "llama.cpp",
    dose: Annotated[float, typer.Option(help="What the other tool adds at coefficient 1, as steer counts it.")] = 0.5,
) -> None:
    """Write a direction for another tool, scaled so that coefficient 1 does there what this dose does here.

    \b
    wolfnote direction export runs/steer-misaligned misaligned.gguf --dose -0.3
    llama-server -m model-f16.gguf --control-vector misaligned.gguf
    """
    network.watch()  # now, before any library loads
    from wolfnote import terminal
    from wolfnote.directions import catalogue, formats, load

    _free(to_file)
    form = formats.named(to)
    written = formats.export(load(catalogue.only(found)), to_file, form, dose=dose)
    terminal.note(f"{written}: {form.value}, coefficient 1 adds a dose of {dose:+g}")


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A control vector (GGUF) or a .pt of persona_vectors or steering-vectors.")],
    to_file: Annotated[Path, typer.Argument(metavar="OUT", help="The direction that is written, .safetensors.")],
    model: Annotated[str, typer.Option(help="The model that it was made for: its file does not say.")],
    persona: Annotated[str, typer.Option(help="What it stands for; default: the file's name.")] = "",
) -> None:
    """Read another tool's vectors for a model, and measure there what their file lacks: origin, spread, norm.

    Only tensors are read: a pickle that holds anything else is refused.

    \b
    wolfnote direction import evil_response_avg_diff.pt evil.safetensors --model hf:models/qwen --persona evil
    """
    network.watch()  # now, before any library loads
    from wolfnote import models, terminal
    from wolfnote.directions import formats

    _free(to_file)
    with terminal.progress() as on_event:
        found = formats.read(file, models.open_local(model), persona=persona, on_event=on_event)
    found.save(to_file)
    covered = int(found.vectors.any(1).sum())
    terminal.note(f"{to_file}: {found.persona}, {covered} of {found.layers} blocks, for {found.model}")
    for remark in found.receipts.get("remarks", ()):
        terminal.note(remark)


def _free(file: Path) -> None:
    """Raise ``InputError`` unless a new file can be put there, before any work."""
    if file.exists():
        raise InputError("is there already", where=str(file), remedy="choose another name")
    if not file.parent.is_dir():
        raise InputError("no such folder", where=str(file.parent), remedy="make it first, or choose another place")
