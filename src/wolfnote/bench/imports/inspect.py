"""A log of Inspect (``.eval`` or ``.json``), or a folder of them, read by Inspect itself (extra ``inspect``).

A document is known by the hash of its id, input and target; several epochs of it become their mean. What stood before the
model's first answer is the prompt, and is hashed; solvers and generation settings must be alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wolfnote.bench.imports.log import Entry, Log, digest, number
from wolfnote.errors import InputError, MissingExtra
from wolfnote.results import Skipped

GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Correct, incorrect, partial, no answer, as Inspect itself counts them."""
HEAD = re.compile(rb'"eval"\s*:')
_LOOK = 4096


def recognises(path: Path) -> bool:
    """Whether a file is a log of Inspect, or a folder holds one."""
    return bool(_files(path))


def read(path: Path) -> Log:
    """The logs, a task each. Raises ``MissingExtra`` without Inspect, ``InputError`` for a log that is damaged or unfinished,
    and for two logs of one task."""
    values: dict[str, dict[str, dict[str, Entry]]] = {}
    conditions: dict[str, dict[str, str]] = {}
    bad: Counter[str] = Counter()
    for file in _files(path):
        log = _open(file)
        name = str(log.eval.task).rpartition("/")[2]
        if name in values:
            raise InputError(f"two logs of the task {name!r}", where=str(path), remedy="give the one that is meant")
        values[name] = _values(log, name, bad)
        conditions[name] = _conditions(log)
    return Log(path, "Inspect", values, conditions, skipped=tuple(Skipped("sample", why, n) for why, n in bad.items()))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in sorted(path.iterdir()) if file.is_file() and _is_log(file)]
    return [path] if path.is_file() and _is_log(path) else []


def _is_log(file: Path) -> bool:
    if file.suffix == ".eval":
        return True
    if file.suffix != ".json":
        return False
    with file.open("rb") as stream:
        return HEAD.search(stream.read(_LOOK)) is not None


def _open(file: Path) -> Any:
    """The log, finished. Inspect's own complaint becomes one line."""
    try:
        from inspect_ai.log import read_eval_log
    except ModuleNotFoundError:
        raise MissingExtra("inspect-ai", "inspect") from None
    try:
        log = read_eval_log(str(file), resolve_attachments=True)
    except Exception as error:  # whatever its reader meets in a damaged file: zip, zstd, JSON, schema
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InputError(f"not a log that Inspect can read ({reason})", where=str(file), remedy="write it again") from None
    if log.status != "success":
        raise InputError(f"the evaluation ended with {log.status!r}", where=str(file), remedy="finish it: inspect eval-retry")
    return log


def _values(log: Any, name: str, bad: Counter[str]) -> dict[str, dict[str, Entry]]:
    every: dict[str, dict[str, list[Entry]]] = {}
    for sample in log.samples or ():
        if sample.error is not None or not sample.scores:
            bad[f"{name}: an error, or no score"] += 1
            continue
        document = digest([sample.id, _plain(sample.input), sample.target, sample.choices])
        chance = 1 / len(sample.choices) if sample.choices else 0.0
        entry = Entry(0.0, digest([_prompt(sample), sample.target]), document, chance)
        for measure, value in _scores(sample.scores):
            if value is None:
                bad[f"{name}: {measure} is no number between 0 and 1"] += 1
            else:
                every.setdefault(measure, {}).setdefault(document, []).append(entry._replace(value=value))
    return {measure: {key: _mean(found) for key, found in items.items()} for measure, items in every.items()}


def _scores(scores: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Each score by its scorer's name; of one that is a table, each of its entries."""
    for name, score in scores.items():
        if isinstance(score.value, dict):
            yield from ((f"{name}.{key}", _number(value)) for key, value in score.value.items())
        else:
            yield name, _number(score.value)


def _number(value: Any) -> float | None:
    return GRADES.get(value) if isinstance(value, str) else number(value)


def _mean(found: list[Entry]) -> Entry:
    asked = found[0].asked if len({entry.asked for entry in found}) == 1 else digest(sorted(entry.asked for entry in found))
    return found[0]._replace(value=sum(entry.value for entry in found) / len(found), asked=asked)


def _prompt(sample: Any) -> Any:
    """What the model was given before it first spoke."""
    turns = []
    for message in sample.messages:
        if message.role == "assistant":
            break
        turns.append([message.role, message.text])
    return turns or _plain(sample.input)


def _plain(given: Any) -> Any:
    return given if isinstance(given, str) else [[message.role, message.text] for message in given]


def _conditions(log: Any) -> dict[str, str]:
    steps = [[step.solver, step.params] for step in log.plan.steps]
    settings = {**log.plan.config.model_dump(exclude_none=True), **log.eval.model_generate_config.model_dump(exclude_none=True)}
    kept = {key: settings[key] for key in ("temperature", "top_p", "max_tokens", "system_message") if key in settings}
    scorers = [scorer.name for scorer in log.eval.scorers or ()]
    return {"solvers": digest(steps), "scorers": ", ".join(scorers), "generation settings": digest(kept)}
