"""Scoring choices beside lm-eval's own wrapper, on the same weights, prompts and machine, in one run; scores must be equal.

    .venv/bin/python benchmarks/bench.py --data FOLDER [--model package:smollm2] [--items 60] [--batches 1 8 16]

``FOLDER`` holds mmlu/test and truthfulqa in their published shapes. Letters: MMLU's questions, one token an answer. Whole
answers: TruthfulQA's, several tokens each. lm-eval runs at each batch size, and its best one counts. Only the scoring is timed,
so that lm-eval is not charged for building its tasks. Both read the prompt in the model's chat template.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = os.environ["TQDM_DISABLE"] = "1"

import lm_eval
import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from wolfnote import models
from wolfnote.bench import files, task
from wolfnote.bench.task import Task
from wolfnote.models.local import LocalModel

YAML = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {rows}
test_split: train
output_type: multiple_choice
doc_to_text: "{{{{asked}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{gold}}}}"
metric_list:
  - metric: acc
metadata:
  version: 1.0
"""
GOALS = {"letters": 1.2, "whole answers": 3.0}


class Timed(HFLM):
    """lm-eval's wrapper for transformers, with the seconds that its scoring takes."""

    seconds = 0.0

    def loglikelihood(self, *given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        found = super().loglikelihood(*given, **named)
        self.seconds += time.perf_counter() - start
        return found


def peer(model: LocalModel, folder: Path, name: str, batch: int) -> tuple[float, list[dict[str, Any]]]:
    """Seconds of scoring, and samples, by lm-eval's own wrapper around the same module."""
    wrapped = Timed(
        pretrained=model.network.module, tokenizer=model.tokenizer, batch_size=batch, device=str(model.network.device)
    )
    found = lm_eval.simple_evaluate(
        model=wrapped, tasks=[name], task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        apply_chat_template=True, bootstrap_iters=0,
    )  # fmt: skip
    return wrapped.seconds, sorted(found["samples"][name], key=lambda row: row["doc_id"])


def ours(model: LocalModel, items: Task) -> tuple[float, list[list[float]]]:
    """Seconds, and the totals of each item's answers, by Wolfnote."""
    start = time.perf_counter()
    found = model.log_likelihood([item.prompt for item in items.items], [item.choices for item in items.items])
    return time.perf_counter() - start, [[x.total for x in options] for options in found]


def compare(model: LocalModel, kind: str, items: Task, batches: Sequence[int], folder: Path) -> None:
    """Print seconds, ratio and the largest difference of a score."""
    name = kind.replace(" ", "_")
    rows = [{"asked": i.prompt[-1].content, "choices": list(i.choices), "gold": i.right[0]} for i in items.items]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / f"{name}.yaml").write_text(YAML.format(name=name, rows=folder / f"{name}.jsonl"))
    few = task.limited(items, 4)
    model.log_likelihood([i.prompt for i in few.items], [i.choices for i in few.items])  # warm up
    seconds, totals = ours(model, items)
    print(
        f"{kind}: {len(rows)} items, {sum(len(i.choices) for i in items.items)} answers; wolfnote {seconds:.1f} s", flush=True
    )
    runs = {}
    for batch in batches:
        runs[batch] = peer(model, folder, name, batch)
        print(f"  lm-eval, batch {batch}: {runs[batch][0]:.1f} s", flush=True)
    best = min(runs, key=lambda batch: runs[batch][0])
    theirs = [[float(x) for x, _ in row["filtered_resps"]] for row in runs[best][1]]
    pairs = [(_relative(mine), _relative(other)) for mine, other in zip(totals, theirs, strict=True)]
    gap = max(abs(a - b) for mine, other in pairs for a, b in zip(mine, other, strict=True))
    flips = sum(mine.index(max(mine)) != other.index(max(other)) for mine, other in zip(totals, theirs, strict=True))
    again, _ = ours(model, items)  # after the peer: nobody runs on a cooler machine
    used = (seconds + again) / 2
    print(f"  wolfnote once more {again:.1f} s")
    print(f"  ratio to lm-eval's best {runs[best][0] / used:.2f} (goal {GOALS[kind]}); largest difference {gap:.1e} nats; "
          f"{flips} items with another choice")  # fmt: skip


def _relative(totals: list[float]) -> list[float]:
    """Against the first choice: lm-eval scores the blank that ends a template with every answer, a constant for each item."""
    return [total - totals[0] for total in totals]


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="package:smollm2")
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--only", choices=tuple(GOALS), help="one of the two comparisons")
    chosen = parser.parse_args()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    model = models.open_local(chosen.model)
    print(f"{chosen.model} on {model.network.device}, {model.network.precision}, {torch.get_num_threads()} threads")
    sets = {"letters": chosen.data / "mmlu" / "test", "whole answers": chosen.data / "truthfulqa"}
    with tempfile.TemporaryDirectory() as folder:
        for kind, path in sets.items():
            if chosen.only not in (None, kind):
                continue
            compare(model, kind, task.limited(files.read(path)[0], chosen.items), chosen.batches, Path(folder))


if __name__ == "__main__":
    main()
