"""``wolfnote.toml``: ``[check]`` says what is checked, ``[policy]`` what is allowed; the other tables are the commands' own.

A command's table is handed to it as it stands, so that the file says the same as the command's ``--config`` would. A table that
no stage knows is an error before anything runs, and so is a key that its room does not know where the table bears the room's
name ([audit], [probe], [bench], [advise]); a key of another table is refused by the command, when its turn has come.
"""

from __future__ import annotations

import datetime
import difflib
import importlib
import importlib.util
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from wolfnote import settings as settings_module
from wolfnote.errors import SettingsError
from wolfnote.pipeline.stage import Stage
from wolfnote.settings import Policy

TUNE = "tune"
"""The value of ``check.tuned`` that has the check do the tuning."""

SEEDED = ("probe", "advise")
"""Tables in which ``check.seed`` goes; a seed of the table's own comes before it."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``[check]``: what is checked. An empty value leaves out the stages that need it, and the verdict says so."""

    data: tuple[str, ...] = ()
    """Files or folders that the model is tuned on."""
    base: str = "package:smollm2"
    tasks: str = ""
    """Your own tasks, on which prompt, few-shot, retrieval and the tune are measured (``wolfnote advise``)."""
    docs: str = ""
    """Documents that answers to them may stand in."""
    tuned: str = ""
    """The model after tuning; ``tune`` = tuned by this check, from the one file in ``data``."""
    reader: str = "package:smollm2"
    """The untouched local model that reads the draw of the audit."""
    directions: str = ""
    """A direction, or the folder that ``wolfnote direction extract`` made in the base."""
    certificate: str = ""
    """The folder of a finished demo or lab run: that the instrument hears what is planted, on this machine."""
    canary: str = ""
    """The gateway's settings, if the model will be served behind it."""
    seed: int = 0
    preset: Literal["", "article"] = ""
    """``article``: judge by the founding article's numbers, and tick off its five points."""
    require: tuple[str, ...] = ("audit", "probe")
    """Stages without which nothing passes; the others count as well where they ran."""


def load(file: Path, overrides: Sequence[str], stages: Sequence[Stage]) -> Any:
    """``wolfnote.toml`` as one struct: ``.check``, ``.policy``, and a dict for each table that a stage knows.

    Raises ``SettingsError`` for an unknown table, an unknown key, or a value of the wrong type.
    """
    tree = _read(file)
    known = {"check", "policy", *(table for stage in stages for table in stage.tables)}
    for table in tree:
        if table not in known:
            near = difflib.get_close_matches(table, known, n=1)
            remedy = f"did you mean [{near[0]}]" if near else "known: " + ", ".join(sorted(known))
            raise SettingsError(f"no table [{table}]", where=str(file), remedy=remedy)
    rooms = sorted(known - {"check", "policy"})
    fields = [("check", Settings, Settings()), ("policy", Policy, Policy()), *((name, dict[str, Any], {}) for name in rooms)]
    kind = msgspec.defstruct("Tables", fields, frozen=True, forbid_unknown_fields=True)
    found = settings_module.fill(kind, tree, str(file), overrides)
    _known_keys(found, rooms, str(file))
    missing = sorted(set(found.check.require) - {stage.name for stage in stages} - {"readiness"})  # type: ignore[attr-defined]
    if missing:
        known_names = ", ".join(stage.name for stage in stages)
        raise SettingsError(f"no stage {missing[0]!r}", where=f"{file}: check.require", remedy=f"known: {known_names}")
    return found


def tables(settings: Any, names: Sequence[str]) -> str:
    """The named tables as TOML, the seed among them: the ``--config`` of one command."""
    import tomli_w

    every = {name: getattr(settings, name) for name in names if name != "policy"}
    if "policy" in names:
        every["policy"] = msgspec.to_builtins(settings.policy, builtin_types=(datetime.date,))
    for name in SEEDED:
        if name in names:
            every[name] = {"seed": settings.check.seed} | every[name]
    recipe = every.pop("tune", {})  # wolfnote tune has its recipe at the top
    text: str = tomli_w.dumps(recipe | {name: table for name, table in every.items() if table})
    return text


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError("no such file", where=str(file), remedy="wolfnote init writes one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"not readable TOML: {error}", where=str(file), remedy="fix the file") from None


def _known_keys(found: Any, rooms: Sequence[str], where: str) -> None:
    """A room's table against the room's own ``Settings``, where the room is installed and has one."""
    for name in rooms:
        if not getattr(found, name) or importlib.util.find_spec(f"wolfnote.{name}") is None:
            continue
        kind = getattr(importlib.import_module(f"wolfnote.{name}"), "Settings", None)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            settings_module.fill(settings_module.tables(**{name: kind}), {name: getattr(found, name)}, where)
