"""A folder that lm-eval wrote with ``--log_samples``: ``results_*.json`` and ``samples_TASK_*.jsonl`` (0.4 and later).

A document is known by its ``doc_hash``. Prompt and target hashes, the chat template's and the system instruction's, few-shot
count and the task's version are kept: two runs that differ in one of them did not ask the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wolfnote.bench.imports.log import Entry, Log, digest, lines, load, number
from wolfnote.errors import InputError
from wolfnote.results import Skipped

STAMP = 26
"""Characters of the date that ends a file's name: 2026-11-24T16-20-11.123456."""


def recognises(path: Path) -> bool:
    """Whether a folder, or one below it, holds results of lm-eval."""
    return path.is_dir() and any(path.rglob("results_*.json"))


def read(path: Path) -> Log:
    """The newest results in the folder. Raises ``InputError`` when they are damaged or have no samples."""
    newest = max(path.rglob("results_*.json"), key=lambda file: file.stem[-STAMP:])
    results = load(newest)
    stamp = newest.stem.removeprefix("results_")
    files = sorted(newest.parent.glob(f"samples_*_{stamp}.jsonl"))
    if not files:
        remedy = "run lm_eval again with --log_samples: without each item's result nothing can be paired"
        raise InputError("results without samples", where=str(newest), remedy=remedy)
    tasks, bad = {}, Counter[str]()
    for file in files:
        name = file.stem.removeprefix("samples_").removesuffix(f"_{stamp}")
        tasks[name] = [row for _, row in lines(file) if _usable(row, name, bad)]
    return of_samples(path, results, tasks, bad)


def of_samples(
    path: Path, results: Mapping[str, Any], tasks: Mapping[str, Iterable[Mapping[str, Any]]], bad: Counter[str] | None = None
) -> Log:
    """The log of samples by task, from a file or from ``simple_evaluate``, with what the results say of all of them."""
    bad = Counter() if bad is None else bad
    values = {name: _task(name, rows, bad) for name, rows in tasks.items()}
    shared = {
        "chat template": str(results.get("chat_template_sha") or ""),
        "system instruction": str(results.get("system_instruction_sha") or ""),
    }
    conditions = {name: shared | _own(results, name) for name in values}
    higher = results.get("higher_is_better") or {}
    lower = {
        f"{task}: {measure}"
        for task, found in values.items()
        for measure in found
        if (higher.get(task) or {}).get(measure.partition(",")[0]) is False
    }
    skipped = tuple(Skipped("sample", reason, count) for reason, count in bad.items())
    return Log(path, "lm-eval", values, conditions, frozenset(lower), skipped)


def _task(name: str, rows: Iterable[Mapping[str, Any]], bad: Counter[str]) -> dict[str, dict[str, Entry]]:
    """Values by measure (and filter, where there are several) and document; a document that comes twice is told apart."""
    found: dict[str, dict[str, Entry]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for row in sorted(rows, key=lambda row: str(row.get("doc_id", "")).rjust(12)):
        strained = str(row.get("filter", "none"))
        document = str(row["doc_hash"])
        again = seen[strained, document]
        seen[strained, document] += 1
        asked = digest([row.get("prompt_hash"), row.get("target_hash")])
        key = f"{document}#{again}" if again else document
        for measure in row.get("metrics") or [key for key in row if number(row[key]) is not None and key not in _PLAIN]:
            value = number(row.get(measure))
            if value is None:
                bad[f"{name}: {measure} is no number between 0 and 1"] += 1
                continue
            title = measure if strained == "none" else f"{measure},{strained}"
            found.setdefault(title, {})[key] = Entry(value, asked, document, _chance(row, measure))
    return found


_PLAIN = frozenset({"doc_id"})


def _chance(row: Mapping[str, Any], measure: str) -> float:
    """What guessing gives: of a choice, whose responses are pairs of a likelihood and whether it is greedy, one in so many."""
    responses = row.get("filtered_resps")
    if not isinstance(responses, list) or len(responses) < 2 or not measure.startswith("acc"):
        return 0.0
    return 1 / len(responses) if all(isinstance(r, list | tuple) and len(r) == 2 for r in responses) else 0.0


def _usable(row: Any, task: str, bad: Counter[str]) -> bool:
    fine = isinstance(row, dict) and isinstance(row.get("doc_hash"), str)
    if not fine:
        bad[f"{task}: a line without a document's hash"] += 1
    return fine


def _own(results: Mapping[str, Any], task: str) -> dict[str, str]:
    """What the results say of one task alone."""
    names = {"few-shot examples": "n-shot", "version of the task": "versions"}
    return {words: str((results.get(key) or {}).get(task, "")) for words, key in names.items()}
