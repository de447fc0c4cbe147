"""A run folder of HELM: ``run_spec.json``, ``scenario_state.json`` and ``per_instance_stats.json``, or a suite of such folders.

A document is known by its instance id and split; the prompt that the model got is hashed. Perturbed instances are left out.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from wolfnote.bench.imports.log import Entry, Log, digest, load, number
from wolfnote.errors import InputError
from wolfnote.results import Skipped

NEEDED = ("run_spec.json", "scenario_state.json", "per_instance_stats.json")
SCORES = (
    "exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match", "exact_match@5", "f1_score",
    "math_equiv", "math_equiv_chain_of_thought", "bbq_accuracy", "safety_score", "ifeval_strict_accuracy",
    "chain_of_thought_correctness",
)  # fmt: skip
"""Statistics that are scores; the others count tokens and seconds. All of them: more is better."""


def recognises(path: Path) -> bool:
    """Whether a folder, or one right below it, is a run of HELM."""
    return path.is_dir() and bool(_runs(path))


def read(path: Path) -> Log:
    """The runs in the folder, a task each. Raises ``InputError`` for damaged files and for runs without a score."""
    values, conditions = {}, {}
    bad: Counter[str] = Counter()
    for run in _runs(path):
        spec = load(run / "run_spec.json")
        name = _name(spec)
        state = load(run / "scenario_state.json")
        values[name] = _values(load(run / "per_instance_stats.json"), _sent(state), name, bad)
        conditions[name] = {"adapter": digest(_adapter(spec)), "scenario": digest(spec.get("scenario_spec"))}
    if not any(values.values()):
        remedy = f"known scores: {', '.join(SCORES)}"
        raise InputError("no score in these runs", where=str(path), remedy=remedy)
    return Log(path, "HELM", values, conditions, skipped=tuple(Skipped("instance", why, n) for why, n in bad.items()))


def _runs(path: Path) -> list[Path]:
    return [folder for folder in (path, *sorted(path.iterdir())) if all((folder / name).is_file() for name in NEEDED)]


def _name(spec: Any) -> str:
    """The run's name without its model: mmlu:subject=anatomy,model=openai_gpt2 is the task mmlu:subject=anatomy."""
    name = str(spec.get("name", "helm")) if isinstance(spec, dict) else "helm"
    head, colon, rest = name.partition(":")
    parts = [part for part in rest.split(",") if not part.startswith(("model=", "model_deployment="))]
    return head + colon + ",".join(parts) if parts and parts != [""] else head


def _adapter(spec: Any) -> Any:
    """How prompts are made; which model gets them is what differs."""
    return {k: v for k, v in (spec.get("adapter_spec") or {}).items() if k not in ("model", "model_deployment")}


class Sent(NamedTuple):
    """Hash of what was sent for one instance, and what guessing among its references gives."""

    asked: str
    chance: float


def _sent(state: Any) -> dict[tuple[str, str], Sent]:
    """By instance and trial; of several requests for one instance, all prompts are hashed together."""
    prompts: dict[tuple[str, str], list[str]] = {}
    chance: dict[tuple[str, str], float] = {}
    joint = "multiple_choice" in str((state.get("adapter_spec") or {}).get("method"))
    for request in state.get("request_states") or ():
        instance = request.get("instance") or {}
        key = (str(instance.get("id")), str(request.get("train_trial_index", 0)))
        prompts.setdefault(key, []).append(str((request.get("request") or {}).get("prompt", "")))
        references = len(instance.get("references") or ())
        chance[key] = 1 / references if joint and references > 1 else 0.0
    return {key: Sent(digest(found), chance[key]) for key, found in prompts.items()}


def _values(stats: Any, sent: dict[tuple[str, str], Sent], name: str, bad: Counter[str]) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {}
    for instance in stats:
        if instance.get("perturbation"):
            bad[f"{name}: a perturbed instance"] += 1
            continue
        document, trial = str(instance.get("instance_id")), str(instance.get("train_trial_index", 0))
        asked, chance = sent.get((document, trial), Sent("", 0.0))
        for stat in instance.get("stats") or ():
            score, value = str((stat.get("name") or {}).get("name")), number(stat.get("mean"))
            if score in SCORES and value is not None:
                found.setdefault(score, {})[f"{document}/{trial}"] = Entry(value, asked, document, chance)
    return dict(sorted(found.items(), key=lambda pair: SCORES.index(pair[0])))
