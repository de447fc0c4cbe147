"""What a finished run says of itself, for every form of report; and its parts, one under another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Finding, Result

LIMITS = (
    "What these questions, rows and items do not touch: a claim about everything would need everything.",
    "Other seeds of the same recipe: intervals are over items, for these weights.",
    "Behaviour behind a trigger that nobody thought of; a cue that the data do not show cannot be asked for.",
)
"""What no run of Wolfnote has tested, whatever it was."""


class Step(NamedTuple):
    """Something to do next: the finding behind it, how often it was made, and where first."""

    code: str
    severity: str
    message: str
    where: str
    remedy: str
    times: int


def finished(folder: Path) -> tuple[Result, dict[str, Any]]:
    """A run's result and its ``run.json``. Raises ``InputError`` where there is none, or it is damaged."""
    result = read_result(folder)
    if result is None:
        raise InputError("no finished run here", where=str(folder), remedy="give the folder that --out named")
    try:
        about: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError("no record of the run", where=str(folder / "run.json"), remedy="run the command again") from None
    return result, about


def walk(result: Result, above: str = "") -> Iterator[tuple[str, Result]]:
    """A result and all its parts, each with its path of kinds, such as ``check / audit / gate``."""
    name = f"{above} / {result.kind}" if above else result.kind
    yield name, result
    for part in result.parts:
        yield from walk(part, name)


def stages(result: Result) -> tuple[Result, ...]:
    """The parts that a reader thinks in: those of a check, else the run itself."""
    return result.parts if result.kind == "check" else (result,)


def next_steps(result: Result, most: int = 8) -> list[Step]:
    """What to do, the worst first: one step a code, with the first finding's words."""
    order = {"error": 0, "warning": 1, "info": 2}
    by_code: dict[str, list[Finding]] = {}
    for _, part in walk(result):
        for finding in part.findings:
            if finding.remedy and finding.severity != "info":
                by_code.setdefault(finding.code, []).append(finding)
    steps = [
        Step(code, found[0].severity, found[0].message, found[0].where, found[0].remedy, len(found))
        for code, found in by_code.items()
    ]
    return sorted(steps, key=lambda step: (order[step.severity], step.code))[:most]


def untested(result: Result) -> list[tuple[str, str]]:
    """What was not read, asked or measured, part by part, and then what no run has tested."""
    found: dict[str, str] = {}
    for name, part in walk(result):
        place = name.removeprefix("check / ")
        for skipped in part.skipped:
            found.setdefault(f"{skipped.count:,} × {skipped.what}: {skipped.reason}", place)
    return [*((place, text) for text, place in found.items()), *(("always", limit) for limit in LIMITS)]
