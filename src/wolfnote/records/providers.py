"""What a provider of fine-tuning accepts: dated data, each figure the user's to override."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError, SettingsError


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of one provider; 0 and empty mean that there is none. ``dated`` is the day on which they were looked up."""

    title: str
    dated: str
    shapes: tuple[str, ...]
    containers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Top-level keys that a row may have; any other is refused."""
    min_examples: int = 0
    max_bytes: int = 0
    max_tokens: int = 0
    """Tokens of one example."""
    one_schema: bool = False
    alternate: bool = False
    """User and assistant must speak by turns."""
    weights: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[preflight]``: limits that differ from ours, or a whole file in the form of ``providers.toml``."""

    limits: dict[str, Any] = {}
    file: str = ""


def find(name: str, settings: Settings = Settings()) -> Provider:  # noqa: B008 - frozen
    """The provider with the user's limits over ours.

    Raises ``InputError`` for a name nobody knows or an unreadable file, ``SettingsError`` for a limit that is none.
    """
    known = _providers(settings.file)
    if name not in known:
        remedy = "known: " + ", ".join(sorted(known)) + "; or give your own: --set preflight.file=FILE.toml"
        raise InputError("no such provider", where=f"--provider {name}", remedy=remedy)
    try:
        return msgspec.convert(known[name] | settings.limits, Provider)
    except msgspec.ValidationError as error:
        names = ", ".join(field.name for field in msgspec.structs.fields(Provider))
        raise SettingsError(str(error), where="preflight.limits", remedy=f"known: {names}") from None


def _providers(file: str) -> dict[str, dict[str, Any]]:
    ours = _decoded(Path(str(resources.files(__package__))) / "providers.toml")
    return ours | _decoded(Path(file)) if file else ours


def _decoded(file: Path) -> dict[str, dict[str, Any]]:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=dict[str, dict[str, Any]])
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        remedy = "take wolfnote/records/providers.toml as a pattern"
        raise InputError(f"not a file of providers: {reason}", where=str(file), remedy=remedy) from None
