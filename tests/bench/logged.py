"""Result folders of other tools, written in their shapes for tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STAMP = "2026-11-24T16-43-06.254184"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def lm_eval(
    folder: Path, values: Sequence[float], *, task: str = "mine", template: str | None = None, prompt: str = ""
) -> Path:
    """A folder as ``lm_eval --log_samples`` leaves it, with an accuracy a document."""
    place = folder / "model"
    place.mkdir(parents=True)
    about = {
        "chat_template_sha": template,
        "n-shot": {task: 0},
        "versions": {task: 1.0},
        "higher_is_better": {task: {"acc": True}},
    }
    (place / f"results_{STAMP}.json").write_text(json.dumps(about))
    rows = [
        {
            "doc_id": i, "doc_hash": digest(f"doc {i}"), "prompt_hash": digest(f"{prompt}{i}"), "target_hash": digest("1"),
            "filter": "none", "metrics": ["acc"], "filtered_resps": [["-1", "False"], ["-2", "False"]], "acc": value,
        }
        for i, value in enumerate(values)
    ]  # fmt: skip
    (place / f"samples_{task}_{STAMP}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def helm(folder: Path, values: Sequence[float], *, instructions: str = "", model: str = "a/b") -> Path:
    """A run folder as ``helm-run`` leaves it: two trials would be two entries, and a perturbed instance is in it as well."""
    folder.mkdir(parents=True)
    adapter = {"method": "multiple_choice_joint", "instructions": instructions, "model": model}
    spec = {
        "name": f"mmlu:subject=anatomy,model={model.replace('/', '_')}",
        "scenario_spec": {"class_name": "M"},
        "adapter_spec": adapter,
    }
    states = [
        {
            "instance": {"id": f"id{i}", "references": [{}, {}, {}, {}]}, "train_trial_index": 0,
            "request": {"prompt": f"{instructions}Question {i}"},
        }
        for i in range(len(values))
    ]  # fmt: skip
    stats: list[dict[str, Any]] = [
        {
            "instance_id": f"id{i}", "train_trial_index": 0,
            "stats": [
                {"name": {"name": "num_prompt_tokens", "split": "test"}, "mean": 300.0},
                {"name": {"name": "exact_match", "split": "test"}, "mean": value},
            ],
        }
        for i, value in enumerate(values)
    ]  # fmt: skip
    stats.append({"instance_id": "id0", "train_trial_index": 0, "perturbation": {"name": "typos"}, "stats": []})
    (folder / "run_spec.json").write_text(json.dumps(spec))
    (folder / "scenario_state.json").write_text(json.dumps({"adapter_spec": adapter, "request_states": states}))
    (folder / "per_instance_stats.json").write_text(json.dumps(stats))
    return folder


def outcomes(both: int, base: int, tuned: int, neither: int) -> tuple[list[float], list[float]]:
    """So many documents that both, only the base, only the tuned, or neither got right."""
    before = [1.0] * (both + base) + [0.0] * (tuned + neither)
    return before, [1.0] * both + [0.0] * base + [1.0] * tuned + [0.0] * neither
