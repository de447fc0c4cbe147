"""What is asked: the table ``[bench]`` of a settings file, and the benchmarks that the command's names mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from wolfnote.bench import files, task
from wolfnote.bench.task import SUITES, Task
from wolfnote.errors import InputError

HARNESS = "lm-eval:"
"""Before the name of a task of the evaluation harness."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is asked, and what a log does not say of itself."""

    limit: int = 0
    """Items a benchmark, a frozen subset; 0 = all."""
    tokens: int = 24
    """Of each greedy answer to a request; 0 = no answers, likelihoods only."""
    harness: str = ""
    """A folder with tasks of lm-eval (YAML), for ``--suite lm-eval:NAME``."""
    safety: tuple[str, ...] = ()
    """Tasks in logs that are about safety, beside those whose names say so: the tighter tolerance holds for them."""
    lower: tuple[str, ...] = ()
    """Measures in logs of which less is better, as ``task: measure``."""


def tasks_of(names: Sequence[str], settings: Settings) -> list[Task]:
    """The benchmarks behind built-in names and paths; no name = all built-in ones; ``lm-eval:NAME`` is left to ``harness``.

    Raises ``InputError`` for a name that is neither, and for two benchmarks of one name.
    """
    found: list[Task] = []
    for name in names or SUITES:
        if name.startswith(HARNESS):
            continue
        if name in SUITES:
            found.append(task.built_in(name))
        elif Path(name).exists():
            found += files.read(Path(name))
        else:
            remedy = f"built in: {', '.join(SUITES)}; or give a file, a folder, or {HARNESS}TASK"
            raise InputError("no such benchmark", where=name, remedy=remedy)
    twice = next((t.name for i, t in enumerate(found) if t.name in [u.name for u in found[:i]]), None)
    if twice:
        raise InputError(f"two benchmarks are called {twice!r}", where="--suite", remedy="put their files into one folder")
    return [task.limited(t, settings.limit) for t in found]


def labels(specs: Sequence[str]) -> list[str]:
    """Short names of tuned models: the last part of each spec, with a number where two are alike or one is called "base"."""
    names = [Path(spec.rpartition(":")[2]) for spec in specs]
    short = [name.stem if name.suffix in (".eval", ".json", ".jsonl") else name.name or str(name) for name in names]
    taken = ["base", *short]
    return [name if taken.count(name) == 1 else f"{name} {taken[: i + 2].count(name)}" for i, name in enumerate(short)]
