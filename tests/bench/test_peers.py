"""Beside the real tools: lm-eval with our models in memory and as logs, Inspect as logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import TEMPLATE
from wolfnote import models
from wolfnote.bench import Settings, harness, imports, run_logs
from wolfnote.errors import InputError
from wolfnote.models import chat as templates
from wolfnote.records import chat
from wolfnote.results import Verdict

pytestmark = [pytest.mark.peers, pytest.mark.slow]

TASK = """task: mine
dataset_path: json
dataset_kwargs:
  data_files: {rows}
test_split: train
output_type: multiple_choice
doc_to_text: "{{{{q}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{gold}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
WRITE = """
import sys
import lm_eval
from lm_eval.api.model import LM
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

class Fixed(LM):
    tokenizer_name = "fixed"
    def loglikelihood(self, requests):
        wrong = int(sys.argv[3])
        return [(-1.0 if (r.doc["choices"][1] == r.args[1].strip()) != (r.doc["n"] < wrong) else -2.0, False) for r in requests]
    def loglikelihood_rolling(self, requests): raise NotImplementedError
    def generate_until(self, requests): raise NotImplementedError

tracker = EvaluationTracker(output_path=sys.argv[2])
manager = TaskManager(include_path=sys.argv[1], include_defaults=False)
found = lm_eval.simple_evaluate(model=Fixed(), tasks=["mine"], task_manager=manager, log_samples=True, bootstrap_iters=0)
samples = found.pop("samples")
tracker.save_results_aggregated(results=found, samples=samples)
tracker.save_results_samples(task_name="mine", samples=samples["mine"])
"""
INSPECT = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message

def answer(input, tools, tool_choice, config):
    number = int(input[-1].text.rstrip("?").split()[-1])
    said = ModelOutput.from_content("mockllm/model", "no" if number < int(sys.argv[2]) else str(number))
    said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return said

rows = [Sample(input=f"Which number is {i}?", target=str(i), id=i) for i in range(120)]
solver = [system_message(sys.argv[3]), generate()] if len(sys.argv) > 3 else [generate()]
task = Task(name="numbers", dataset=MemoryDataset(rows), solver=solver, scorer=match())
eval(task, model=get_model("mockllm/model", custom_outputs=answer), log_dir=sys.argv[1], display="none")
"""


def tool(code: str, *arguments: str, home: Path) -> None:
    """Run another tool as its user would, offline, in a process of its own."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(home), "INSPECT_DISABLE_MODEL_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=os.environ | offline, capture_output=True, text=True, cwd=home
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder with one task of lm-eval on local rows: 120 questions, three choices of several tokens."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    said = [
        {"n": i, "q": f"where is the cat number {i}", "choices": [f"a red house {i}", f"it sleeps {i}", "never"], "gold": 1}
        for i in range(120)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    (folder / "mine.yaml").write_text(TASK.format(rows=folder / "rows.jsonl"))
    return folder


def test_a_regression_planted_in_a_real_lm_eval_run_is_found(tasks: Path, tmp_path: Path) -> None:
    """Two real runs with their samples on disk: 5 documents wrong before, 30 after. FAIL; against itself, no change."""
    pytest.importorskip("lm_eval")
    for name, wrong in (("base", 5), ("tuned", 30)):
        tool(WRITE, str(tasks), str(tmp_path / name), str(wrong), home=tmp_path)
    result = run_logs(tmp_path / "base", [tmp_path / "tuned"], Settings())
    assert result.verdict is Verdict.FAIL
    part = result.parts[0].parts[0]
    assert part.estimates[0].value == pytest.approx(-25 / 120)
    assert part.estimate("chance").value == pytest.approx(1 / 3)
    same = run_logs(tmp_path / "base", [tmp_path / "base"], Settings())
    assert same.parts[0].parts[0].verdict is Verdict.PASS


def test_a_regression_planted_in_a_real_inspect_run_is_found(tmp_path: Path) -> None:
    """Two real logs: 5 of 120 wrong before, 40 after. FAIL; with another system prompt: refused with the reason."""
    pytest.importorskip("inspect_ai")
    tool(INSPECT, str(tmp_path / "base"), "5", home=tmp_path)
    tool(INSPECT, str(tmp_path / "tuned"), "40", home=tmp_path)
    tool(INSPECT, str(tmp_path / "other"), "5", "Be brief.", home=tmp_path)
    result = run_logs(tmp_path / "base", [tmp_path / "tuned"], Settings())
    assert result.verdict is Verdict.FAIL
    assert result.parts[0].parts[0].estimates[0].value == pytest.approx(-35 / 120)
    with pytest.raises(InputError, match="not the same solvers"):
        run_logs(tmp_path / "base", [tmp_path / "other"], Settings())
    (file,) = (tmp_path / "base").glob("*.eval")
    (tmp_path / "cut.eval").write_bytes(file.read_bytes()[:200])
    with pytest.raises(InputError, match="not a log that Inspect can read"):
        imports.read(tmp_path / "cut.eval")


def test_lm_eval_as_a_library_gives_the_same_scores(tasks: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same model through lm-eval's own wrapper and through ours: every document's likelihoods and accuracy are equal.

    Where a template ends in a blank, lm-eval scores that blank as part of every answer: one constant for all of a document's
    choices. So the template here ends in a colon.
    """
    pytest.importorskip("lm_eval")
    template = tasks / "template.jinja"
    template.write_text(
        TEMPLATE.replace("{% if add_generation_prompt %}<|s|>assistant\n", "{% if add_generation_prompt %}<|s|>assistant:")
    )
    for key in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(key, "1")
    model = models.open(tiny, local=models.Local(template=str(template)))
    ours = harness.evaluate(model, "mine", Settings(harness=str(tasks), limit=40))["samples"]["mine"]
    theirs = peer(model, tasks)
    for a, b in zip(ours, theirs, strict=True):
        assert (a["doc_hash"], a["acc"]) == (b["doc_hash"], b["acc"])
        mine, other = [x for x, _ in a["filtered_resps"]], [x for x, _ in b["filtered_resps"]]
        assert mine == pytest.approx(other, abs=1e-4)


def test_a_task_nobody_knows_is_one_line(tasks: Path, tiny: str) -> None:
    """lm-eval's own answer to an unknown name is a traceback; ours is a line."""
    pytest.importorskip("lm_eval")
    with pytest.raises(InputError, match="lm-eval knows no such task"):
        harness.evaluate(models.open(tiny), "yours", Settings(harness=str(tasks)))


def peer(model: Any, tasks: Path) -> list[dict[str, Any]]:
    """lm-eval's own wrapper around the very same module and tokenizer."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    wrapped = HFLM(pretrained=model.network.module, tokenizer=model.tokenizer, batch_size=8, device="cpu")
    found = lm_eval.simple_evaluate(
        model=wrapped, tasks=["mine"], task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        apply_chat_template=True, limit=40, bootstrap_iters=0,
    )  # fmt: skip
    return found["samples"]["mine"]  # type: ignore[no-any-return]


def test_letters_cost_one_pass_and_are_exact(tiny: str) -> None:
    """Single letters, read off one distribution a question, are what the model's own logits say; questions differ in length."""
    import torch

    model = models.open_local(tiny)
    prompts = [chat("where is the cat " * k) for k in (1, 3, 9)]
    found = model.log_likelihood(prompts, [("a", "b", "c", "d")] * 3)
    for prompt, likelihoods in zip(prompts, found, strict=True):
        text = templates.prompt_text(model.tokenizer, prompt)
        ids = model.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with model.active() as module:
            logs = torch.log_softmax(module(ids).logits[0, -1].float(), -1)
        expected = [float(logs[model.tokenizer(letter, add_special_tokens=False)["input_ids"][0]]) for letter in "abcd"]
        assert [x.total for x in likelihoods] == pytest.approx(expected, abs=1e-4)
        assert {x.tokens for x in likelihoods} == {1}
