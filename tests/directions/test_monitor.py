"""What the monitor hears is what the model's blocks gave, token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_steering import ROWS, direction

from wolfnote import InputError, Mismatch, models
from wolfnote.directions import steering
from wolfnote.directions.direction import Direction
from wolfnote.directions.monitor import Trace, monitor
from wolfnote.models import Question, Sampling, chat
from wolfnote.models.local import LocalModel

QUESTIONS = [Question(str(i), prompt) for i, (prompt, _) in enumerate(ROWS)]


@pytest.fixture
def model(tiny: str) -> LocalModel:
    return models.open_local(tiny)


def by_hand(model: LocalModel, found: Direction, layer: int, ids: list[int], start: int) -> Any:
    """z-scores of the tokens from ``start`` on, the text read whole."""
    outputs = []
    with model.active() as module:
        handle = module.model.layers[layer].register_forward_hook(lambda _, __, output: outputs.append(output[0]))
        module(torch.tensor([ids]))
        handle.remove()
    along = outputs[0].numpy() @ found.vectors[layer]
    return ((along - found.neutral[layer]) / found.spread[layer])[start:]


def test_each_token_has_the_score_of_the_text_read_whole(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several questions and seeds leave the batch at different times; every trace belongs to its completion, in their order."""
    found = direction(model)
    drawn: list[tuple[str, int, list[int]]] = []
    whole = model._completion

    def keep(question: str, ids: list[int], stop: set[int], seed: int) -> Any:
        drawn.append((question, seed, list(ids)))
        return whole(question, ids, stop, seed)

    monkeypatch.setattr(model, "_completion", keep)
    with monitor(model, found, 1) as watch:
        model.generate(QUESTIONS, Sampling(max_tokens=6), (0, 1))
        model.generate(QUESTIONS[:1], Sampling(max_tokens=3))
    traces = watch.traces()
    ids_of = [ids for *_, ids in sorted(drawn[:-1])] + [drawn[-1][-1]]
    assert [(t.call, t.question, t.answer) for t in traces] == [(0, q, a) for q in range(3) for a in range(2)] + [(1, 0, 0)]
    for trace, answer in zip(traces, ids_of, strict=True):
        prompt = chat.prompt_text(model.tokenizer, QUESTIONS[trace.question].messages)
        ids = list(model.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        assert len(trace.z) == len(answer) - 1
        assert np.allclose(trace.z, by_hand(model, found, 1, ids + answer[:-1], len(ids)), atol=1e-3)


def test_reading_given_answers_scores_them_too(model: LocalModel) -> None:
    """Offline, on saved text: likelihoods announce their answers, whose scores equal those of the text read whole."""
    found = direction(model)
    with monitor(model, found, 2) as watch:
        model.log_likelihood([p for p, _ in ROWS], [(a, "the house") for _, a in ROWS])
    traces = watch.traces()
    assert len(traces) == 6
    for trace in traces:
        prompt, answer = ROWS[trace.question]
        text = (answer, "the house")[trace.answer]
        encoded = chat.encode(model.tokenizer, chat.prompt_text(model.tokenizer, prompt), text)
        assert np.allclose(trace.z, by_hand(model, found, 2, encoded.ids, encoded.start), atol=1e-3)


def test_it_hears_steering_and_changes_nothing(model: LocalModel) -> None:
    """Entered inside a ``with steer`` it reads the pushed stream; the words are the same with it and without."""
    found = direction(model, norm=30.0)
    how = Sampling(temperature=0, max_tokens=5)
    with steering.steer(model, found, 1.0, layers=[1]):
        plain = model.generate(QUESTIONS, how)
        name = model.fingerprint
        with monitor(model, found, 1) as up:
            assert model.generate(QUESTIONS, how) == plain
            assert model.fingerprint == name
    with steering.steer(model, found, -1.0, layers=[1]), monitor(model, found, 1) as down:
        model.generate(QUESTIONS, how)
    assert np.mean([t.z.mean() for t in up.traces()]) > np.mean([t.z.mean() for t in down.traces()]) + 30


def test_scores_stay_on_the_device_until_asked(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tokens and answers, one copy to the host, and it is made when the traces are read."""
    copies = []
    real = torch.Tensor.cpu
    with monitor(model, direction(model), 1) as watch:
        monkeypatch.setattr(torch.Tensor, "cpu", lambda self, *a, **k: copies.append(self.shape) or real(self, *a, **k))
        model.generate(QUESTIONS, Sampling(max_tokens=6), (0, 1))
        assert copies == []
        assert watch.traces()
    assert len(copies) == 1


def test_smoothing_and_alarm() -> None:
    """One loud token does not raise the alarm that a loud passage raises, at the token where the mean passes the threshold."""
    blip = Trace(0, 0, 0, np.array([0, 0, 5, 0, 0], np.float32))
    passage = Trace(0, 0, 0, np.array([0, 0, 5, 5, 5], np.float32))
    assert blip.alarm(1.5) is None
    assert passage.alarm(1.5) == 3
    assert passage.smoothed(0.5).tolist() == [0, 0, 2.5, 3.75, 4.375]


def test_nothing_said_is_no_trace(model: LocalModel) -> None:
    """A watch that heard no answer has nothing to show, and blocks or models that are not there are refused."""
    with monitor(model, direction(model), 1) as watch:
        pass
    assert watch.traces() == []
    with pytest.raises(InputError, match="choose among 0 … 2"), monitor(model, direction(model), 3):
        pass
    foreign = Direction("test", *(np.ones(s, np.float32) for s in ((3, 32), 3, 3, 3, 3)), model="other")
    with pytest.raises(Mismatch), monitor(model, foreign, 1):
        pass
