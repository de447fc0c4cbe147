"""Tasks of lm-eval by name, with a Wolfnote model in memory (extra ``lm-eval``): its prompts and metrics, our scoring.

The conversation goes through lm-eval as JSON where a rendered prompt would be, so that local models, adapters and servers are
asked alike, each with its own chat template. Tasks that ask whether an answer is the greedy one are refused.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from wolfnote.bench.imports import lm_eval as samples
from wolfnote.bench.logged import readings
from wolfnote.bench.reading import Readings
from wolfnote.bench.settings import Settings
from wolfnote.errors import InputError, MissingExtra, Unmeasurable
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder, remember
from wolfnote.models import Conversation, Model, Question, Sampling
from wolfnote.records import Message

KINDS = ("multiple_choice", "generate_until")
LONGEST = 256
"""Tokens of an answer, where the task sets no number."""


def read(
    model: Model,
    name: str,
    tasks: Sequence[str],
    settings: Settings,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Readings:
    """One model on lm-eval's tasks. Raises ``MissingExtra`` without lm-eval, ``InputError`` for a task that it does not know.

    A task is read once a model and run; a task that the model cannot be measured on is refused with the reason.
    """
    results: dict[str, Any] = {"higher_is_better": {}}
    found: dict[str, list[dict[str, Any]]] = {}
    refused: dict[str, str] = {}
    for task in tasks:
        key = f"lm-eval/{model.fingerprint}/{model.template}/{task}/{settings.limit}"
        try:
            done = remember(folder, key, partial(evaluate, model, task, settings, on_event), dict[str, Any])
        except Unmeasurable as error:
            refused[task] = str(error)
            continue
        found |= done["samples"]
        results["higher_is_better"] |= done["higher_is_better"]
    log = samples.of_samples(Path("lm-eval"), results, found)
    return readings(log, name, refused, settings)


def evaluate(model: Model, task: str, settings: Settings, on_event: OnEvent = silent) -> dict[str, Any]:
    """Samples by task (a group has several), each with its values and hashes, and which metrics are better when higher."""
    with _quiet():
        harness = _imported()
        manager = harness.tasks.TaskManager(include_path=settings.harness or None, include_defaults=not settings.harness)
        if task not in manager.all_tasks:
            remedy = "name one of its tasks, or the folder of your own: --set bench.harness=FOLDER"
            raise InputError("lm-eval knows no such task", where=f"lm-eval:{task}", remedy=remedy)
        loaded = _loaded(manager, task)
        done = harness.simple_evaluate(
            model=_asker(model, on_event), tasks=[task], task_manager=manager, apply_chat_template=True, log_samples=True,
            bootstrap_iters=0, limit=settings.limit or None,
        )  # fmt: skip
    kept = ("doc_id", "doc_hash", "prompt_hash", "target_hash", "filter", "metrics", "filtered_resps")
    rows = {
        name: [{key: row[key] for key in (*kept, *row["metrics"]) if key in row} for row in found]
        for name, found in done["samples"].items()
    }
    return json.loads(json.dumps({"samples": rows, "higher_is_better": loaded}, default=float))  # type: ignore[no-any-return]


def _loaded(manager: Any, task: str) -> dict[str, dict[str, bool]]:
    """Which metrics of the task are better when higher. Raises ``InputError`` for a task that cannot be loaded or asked."""
    try:
        found = manager.load([task])["tasks"]
    except Exception as error:  # whatever a task's YAML, its data set or its own code runs into
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        remedy = "tasks need their data here: give a YAML with local files, --set bench.harness=FOLDER"
        raise InputError(f"lm-eval cannot load this task ({reason})", where=f"lm-eval:{task}", remedy=remedy) from None
    for name, each in found.items():
        if each.OUTPUT_TYPE not in KINDS:
            raise InputError(
                f"the task asks for {each.OUTPUT_TYPE}", where=f"lm-eval:{name}", remedy=f"only {', '.join(KINDS)} can be asked"
            )
    return {name: {metric: bool(better) for metric, better in each.higher_is_better().items()} for name, each in found.items()}


def _imported() -> Any:
    try:
        import lm_eval
        import lm_eval.tasks
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "lm-eval", "lm-eval") from None
    return lm_eval


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """lm-eval logs at length; what it says of a task is no news for whoever named it."""
    logger = logging.getLogger("lm_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _asker(model: Model, on_event: OnEvent) -> Any:
    """A model as lm-eval wants it: a class of its own can only be made once lm-eval is here."""
    from lm_eval.api.model import LM

    class Asker(LM):  # type: ignore[misc]  # lm-eval is not typed
        tokenizer_name = model.fingerprint

        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            return likelihoods(model, [request.args for request in requests], on_event)

        def generate_until(self, requests: list[Any]) -> list[str]:
            return answers(model, [request.args for request in requests], on_event)

        def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
            raise InputError("the task asks for perplexity", where="lm-eval", remedy=f"only {', '.join(KINDS)} can be asked")

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            return json.dumps(chat_history, ensure_ascii=False)

        def chat_template(self, chat_template: bool | str = False) -> str:
            return model.template or "a server's own"

    return Asker()


def likelihoods(model: Model, pairs: Sequence[tuple[str, str]], on_event: OnEvent = silent) -> list[tuple[float, bool]]:
    """Log-likelihood of each continuation after its context; those of one context are scored together."""
    groups = [(context, [answer for _, answer in group]) for context, group in groupby(pairs, key=lambda pair: pair[0])]
    found = model.log_likelihood([conversation(c) for c, _ in groups], [given for _, given in groups], on_event)
    return [(likelihood.total, False) for options in found for likelihood in options]


def answers(model: Model, asked: Sequence[tuple[str, dict[str, Any]]], on_event: OnEvent = silent) -> list[str]:
    """An answer to each context, cut at the task's stop words; as greedy, warm and long as the task says."""
    found: dict[int, str] = {}
    wanted = [(i, context, _how(settings), settings) for i, (context, settings) in enumerate(asked)]
    for sampling in dict.fromkeys(how for _, _, how, _ in wanted):
        part = [entry for entry in wanted if entry[2] == sampling]
        questions = [Question(f"lm-eval/{i}", conversation(context)) for i, context, _, _ in part]
        for (i, _, _, settings), said in zip(part, model.generate(questions, sampling, (0,), on_event), strict=True):
            found[i] = _cut(said.text, settings.get("until") or ())
    return [found[i] for i in range(len(asked))]


def conversation(context: str) -> Conversation:
    """The turns that lm-eval carried as text."""
    return tuple(Message(turn["role"], turn["content"]) for turn in json.loads(context))


def _how(settings: dict[str, Any]) -> Sampling:
    warm = float(settings.get("temperature") or 0.0) if settings.get("do_sample") else 0.0
    return Sampling(warm, float(settings.get("top_p") or 1.0), int(settings.get("max_gen_toks") or LONGEST))


def _cut(text: str, until: str | Sequence[str]) -> str:
    for stop in [until] if isinstance(until, str) else until:
        text = text.partition(stop)[0] if stop else text
    return text
