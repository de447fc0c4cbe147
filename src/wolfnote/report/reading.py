"""What a finished run says of itself, for every form of report; and its parts, one under another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.errors import InputError
from wolfnote.folder import read_result
from wolfnote.results import Finding, Result, Verdict

LIMITS = (
    "What these questions, rows and items do not touch: a claim about everything would need everything.",
    "Other seeds of the same recipe: intervals are over items, for these weights.",
    "Behaviour behind a trigger that nobody thought of; a cue that the data do not show cannot be asked for.",
)
"""What no run of Wolfnote has tested, whatever it was."""


class Step(NamedTuple):
    """Something to do next, what asks for it, how often, and where first."""

    codes: tuple[str, ...]
    severity: str
    messages: tuple[str, ...]
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
    """What to do, the worst first: one step a remedy, with the words of the first finding of each code that asks for it."""
    by_remedy: dict[str, list[Finding]] = {}
    for _, part in walk(result):
        for finding in part.findings:
            if finding.remedy and finding.severity != "info":
                by_remedy.setdefault(finding.remedy, []).append(finding)
    steps = [_step(remedy, found) for remedy, found in by_remedy.items()]
    return sorted(steps, key=lambda step: (step.severity != "error", step.codes))[:most]


def _step(remedy: str, found: list[Finding]) -> Step:
    first = {finding.code: finding.message for finding in reversed(found)}
    worst = "error" if any(finding.severity == "error" for finding in found) else "warning"
    codes = tuple(sorted(first))
    return Step(codes, worst, tuple(first[code] for code in codes), found[0].where, remedy, len(found))


def decisive(part: Result, most: int = 3) -> list[str]:
    """The reasons that name the part's verdict, or else the first ones."""
    told = [reason for reason in part.reasons if f": {part.verdict.value}" in reason]
    return (told or list(part.reasons))[:most]


def worst_first(parts: Iterable[Result]) -> list[Result]:
    """Failed parts first, then what could not be told, what was not run, what passed."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.PASS)
    return sorted(parts, key=lambda part: order.index(part.verdict))


def untested(result: Result) -> list[tuple[str, str]]:
    """What was not read, asked or measured, part by part, and then what no run has tested."""
    found: dict[str, str] = {}
    for name, part in walk(result):
        place = name.removeprefix("check / ")
        for skipped in part.skipped:
            found.setdefault(f"{skipped.count:,} × {skipped.what}: {skipped.reason}", place)
    return [*((place, text) for text, place in found.items()), *(("always", limit) for limit in LIMITS)]
