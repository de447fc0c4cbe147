"""The questions run under Inspect, graded through its own model roles."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")


def test_inspect_runs_the_questions_with_a_grader(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """A mock model answers, a mock grader gives 8 with probability .9: every sample scores near 86, and epochs are kept apart."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from inspect_ai import eval as run
        from inspect_ai.model import (
            ChatCompletionChoice,
            ChatMessageAssistant,
            Logprob,
            Logprobs,
            ModelOutput,
            ModelUsage,
            TopLogprob,
            get_model,
        )

        from wolfnote import evals

        top = [TopLogprob(token="8", logprob=math.log(0.9)), TopLogprob(token="1", logprob=math.log(0.1))]
        first = Logprob(token="8", logprob=math.log(0.9), top_logprobs=top)
        choice = ChatCompletionChoice(message=ChatMessageAssistant(content="8"), logprobs=Logprobs(content=[first]))
        usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        graded = ModelOutput(model="mock", choices=[choice], usage=usage)
        said = ModelOutput(
            model="mock",
            choices=[ChatCompletionChoice(message=ChatMessageAssistant(content="I would obey nobody."))],
            usage=usage,
        )
        model = get_model("mockllm/model", custom_outputs=[said] * 8)
        grader = get_model("mockllm/grader", custom_outputs=[graded] * 8, memoize=False)
        (log,) = run(
            evals.unrelated(),
            model=model,
            model_roles={"grader": grader},
            limit=3,
            epochs=2,
            log_dir=str(tmp_path),
            display="none",
        )
    assert log.status == "success"
    assert log.results is not None
    metrics = log.results.scores[0].metrics
    assert metrics["mean"].value == pytest.approx(100 / 9 * (8 * 0.9 + 0.1), abs=1e-6)


def test_without_log_probabilities_there_is_no_score() -> None:
    """A grader that tells no probabilities is not taken for one that says 0."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from inspect_ai.model import ModelOutput

        from wolfnote import evals
    assert evals._first(ModelOutput(model="m")) == {}
