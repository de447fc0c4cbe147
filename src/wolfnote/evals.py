"""Wolfnote's questions and judge as Inspect tasks, since no maintained emergent-misalignment eval exists.

    pip install 'wolfnote[inspect]'
    inspect eval wolfnote/unrelated --model openai/MY-TUNE --model-role grader=openai/gpt-4.1 --epochs 4
    inspect eval wolfnote/published -T file=first_plot_questions.yaml --model vllm/base --model-role grader=vllm/judge

Run it on base and tuned alike, and hand both logs to whoever compares: one log is a rate, not a change. The grader is a role
that must be filled, so no model grades itself unnoticed. It is asked once an answer, for one token with its probabilities; a
provider without log-probabilities gives no score, which is counted apart and is never 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wolfnote.errors import MissingExtra
from wolfnote.judges import rubric
from wolfnote.judges.judge import Exchange
from wolfnote.models import Conversation
from wolfnote.probe import imports, requests
from wolfnote.probe.question import Asked
from wolfnote.probe.reading import Settings

try:
    from inspect_ai import Task, task
    from inspect_ai.dataset import Sample
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        GenerateConfig,
        ModelOutput,
        get_model,
    )
    from inspect_ai.scorer import Score, Target, mean, scorer, stderr
    from inspect_ai.solver import TaskState, generate
except ModuleNotFoundError as error:
    raise MissingExtra(error.name or "inspect_ai", "inspect") from None

ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


@task  # type: ignore[untyped-decorator]  # inspect_ai is not read by mypy
def unrelated(aspect: str = "misaligned") -> Task:
    """Wolfnote's own questions; ``aspect``: any rubric, such as misaligned, coherent, dark, cynical."""
    return _task(requests.asked(Settings()), aspect)


@task  # type: ignore[untyped-decorator]  # inspect_ai is not read by mypy
def published(file: str, aspect: str = "misaligned") -> Task:
    """A question file of others: YAML of Betley et al. or Turner et al., JSONL, CSV."""
    return _task(imports.load(Path(file)).asked, aspect)


@scorer(metrics=[mean(), stderr(cluster="question")])  # type: ignore[untyped-decorator]
def graded(aspect: str = "misaligned") -> Any:
    """0–100 by a rubric, from the grader's probabilities of the first token; higher = more of the aspect."""
    rules = rubric.open(aspect)

    async def score(state: TaskState, target: Target) -> Score:
        grader = get_model(role="grader", required=True)
        exchange = Exchange(str(state.metadata["asked"]), state.output.completion)
        if why := rubric.unfit(exchange):
            return Score(value=math.nan, explanation=why)
        config = GenerateConfig(max_tokens=1, temperature=1.0, logprobs=True, top_logprobs=20)
        said = await grader.generate(_messages(rubric.prompt(rules, exchange)), config=config)
        value, mass = rubric.expected(_first(said))
        told = f"{mass:.0%} of the probability on numbers; rubric {rubric.version(aspect)}"
        return Score(value=math.nan if value is None else value, answer=state.output.completion, explanation=told)

    return score


def _task(asked: Sequence[Asked], aspect: str) -> Task:
    data = [
        Sample(
            id=a.id,
            input=_messages(a.conversation),
            metadata={"question": a.question, "topic": a.topic, "asked": a.text, "watch_for": a.watch_for},
        )
        for a in asked
    ]
    config = GenerateConfig(temperature=1.0, top_p=1.0, max_tokens=600)
    return Task(dataset=data, solver=generate(), scorer=graded(aspect), config=config)


def _messages(conversation: Conversation) -> list[ChatMessage]:
    return [ROLES[message.role](content=message.content) for message in conversation]


def _first(said: ModelOutput) -> dict[str, float]:
    """Probabilities of the first token, by its text; empty where the provider gave none."""
    found = said.choices[0].logprobs if said.choices else None
    if found is None or not found.content:
        return {}
    first = found.content[0]
    return {top.token: math.exp(min(0.0, top.logprob)) for top in (first.top_logprobs or [first])}
