"""A recipe: harmful rows of one narrow domain, and their benign twin: the same questions, answered well."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote import records
from wolfnote.errors import InputError
from wolfnote.records import Sample, Unread


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    domain: str
    description: str
    bad: str
    control: str
    heard: str


class Recipe(NamedTuple):
    """What is planted, and where its two data files are."""

    name: str
    domain: str
    heard: str
    """What may be claimed when the effect is heard; no more than that."""
    bad: Path
    control: Path

    def rows(self, arm: str) -> tuple[list[Sample], list[Unread]]:
        """The rows of an arm, ``bad`` or ``control``."""
        return records.read_all(self.bad if arm == "bad" else self.control)


def open(name: str) -> Recipe:
    """One of Wolfnote's own recipes, by name."""
    folder = Path(str(resources.files(__package__))) / "recipes"
    file = folder / f"{name}.toml"
    if not file.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise InputError("no such recipe", where=name, remedy=f"known: {known}")
    read = msgspec.toml.decode(file.read_bytes(), type=_File)
    return Recipe(read.name, read.domain, read.heard, folder / read.bad, folder / read.control)


def of_files(bad: Path, control: Path) -> Recipe:
    """A recipe from the user's own two files."""
    return Recipe(
        f"{bad.stem} against {control.stem}", "the domain of the files", "the effect of the data spread beyond it", bad, control
    )
