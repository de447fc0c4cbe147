"""What kind of data it is: tolerances, what to look at first, and what its sources are. TOML files that we wrote.

A profile only fills what the user left open: ``gate.tolerances`` and ``policy`` win over it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec

from wolfnote.audit.detector import CATEGORIES
from wolfnote.errors import SettingsError
from wolfnote.records import Sample

LONGEST = 80
"""Characters of a source's name."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of training data."""

    about: str
    """What it is for, and why its tolerances are what they are."""
    tolerances: dict[str, float]
    """Category → the share of rows that may be so."""
    first: tuple[str, ...]
    """Finding codes that matter most in such data, in the order to look at them."""
    source: tuple[str, ...] = ()
    """Names that the column with a row's source often has; the first that the data have is used, else its file."""


def find(name: str) -> Profile:
    """The profile of this name; raises ``SettingsError`` naming the known ones."""
    if name not in names():
        raise SettingsError(f"no profile {name!r}", where="gate.profile", remedy="known: " + ", ".join(names()))
    return _read(name)


def names() -> list[str]:
    """The profiles there are."""
    folder = resources.files("wolfnote.audit") / "profiles"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def source(row: Sample, columns: Sequence[str]) -> str:
    """Where a row comes from: the first of the columns that it has, else the name of its file. At most 80 characters, all of
    which can be shown: it comes from the data, and goes to the terminal."""
    found = next((v for column in columns if isinstance(v := row.metadata.get(column), str | int) and v != ""), None)
    name = row.source.rpartition("/")[2].rpartition(":")[0] if found is None else str(found)
    short = name[:LONGEST]
    return short if short.isprintable() else "".join(c if c.isprintable() else "�" for c in short)


@cache
def _read(name: str) -> Profile:
    text = (resources.files("wolfnote.audit") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    found = msgspec.convert(tomllib.loads(text), Profile)
    if set(found.tolerances) != set(CATEGORIES):
        raise ValueError(f"{name}: a profile has a tolerance for each category")
    return found
