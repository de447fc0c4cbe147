"""A persona: system instructions that call it up, their opposites, and questions on which it shows.

Read from TOML; Wolfnote's own are in ``personas/``. Written by hand, from no published set.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from wolfnote.errors import InputError


class Contrast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two system instructions of like form that differ in character only."""

    positive: str
    negative: str


NAME = r"^[A-Za-z0-9_-]{1,64}$"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
"""A persona's name becomes a file's name: one from elsewhere must not lead out of the folder."""

Kind = Literal["harmful", "helpful", "unrelated"]
"""What a trait is to the user. Beside unrelated ones (style, register, interests) a harmful direction must stand out."""


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A character trait, as contrasts to be answered under."""

    persona: Name
    description: str
    positive_name: str
    negative_name: str
    questions: Annotated[tuple[str, ...], msgspec.Meta(min_length=2)]
    contrast: Annotated[tuple[Contrast, ...], msgspec.Meta(min_length=1)]
    kind: Kind = "harmful"


def open(name: str) -> Persona:
    """A persona by name (``misaligned``) or by path (``mine.toml``)."""
    folder = resources.files(__package__) / "personas"
    own = Path(name)
    source = own if own.suffix == ".toml" else folder / f"{name}.toml"
    if not source.is_file():
        known = ", ".join(sorted(p.name.removesuffix(".toml") for p in folder.iterdir()))
        raise InputError("no such persona", where=name, remedy=f"give a .toml file or one of: {known}")
    try:
        return msgspec.toml.decode(source.read_bytes(), type=Persona)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a persona: {error}", where=name, remedy="compare personas/misaligned.toml") from None
