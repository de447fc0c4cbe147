"""The speed test measures through the protocol, what it is given, for as long as it was told."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from wolfnote import Completion, models, network, records
from wolfnote.models import Conversation, Likelihood, Question, Sampling, contact, speed


class Slow:
    """A model that takes 1 ms for each character it reads or writes: a protocol and nothing more."""

    spec = "slow"

    def log_likelihood(self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]]) -> list[tuple[Likelihood, ...]]:
        time.sleep(sum(len(a) for options in answers for a in options) / 1000)
        return [tuple(Likelihood(-1.0, 1) for _ in options) for options in answers]

    def generate(self, questions: Sequence[Question], sampling: Sampling) -> list[Completion]:
        time.sleep(len(questions) * sampling.max_tokens / 1000)
        return [Completion(q.id, "slow", "text", 0, "length") for q in questions]


def test_a_known_speed_is_found() -> None:
    """1,000 characters a second are 250 tokens a second read, and 1,000 tokens a second written."""
    prompts = [records.chat("") for _ in range(60)]
    answers = [("x" * 40,) for _ in prompts]
    found = speed.measure(Slow(), prompts, answers, batch=4)  # type: ignore[arg-type]  # a model in small
    assert found.prefill.value == pytest.approx(250, rel=0.25)
    assert found.decode.value == pytest.approx(1000, rel=0.25)
    assert found.prefill.seconds(500).value == pytest.approx(2, rel=0.25)
    assert found.prefill.low <= found.prefill.value <= found.prefill.high


def test_the_first_piece_only_warms_up_and_the_test_ends() -> None:
    """A slow start does not count, and endless work is cut off after the given time."""
    done: list[int] = []

    def pieces() -> Iterator[Callable[[], float]]:
        yield lambda: time.sleep(0.2) or 1.0  # type: ignore[func-returns-value]
        while True:
            yield lambda: (done.append(1), time.sleep(0.01), 1.0)[-1]

    found = speed.rate(pieces(), seconds=0.1)
    assert found.value == pytest.approx(100, rel=0.4)
    assert 0.3 <= found.tested < 0.6
    assert 5 <= len(done) <= 12


def test_one_piece_that_takes_too_long_is_enough() -> None:
    """A large model on a small machine is not made to read twice."""
    calls: list[int] = []
    found = speed.rate([lambda: (calls.append(1), time.sleep(0.1), 1.0)[-1]] * 3, seconds=0.01)
    assert calls == [1]
    assert found.value == pytest.approx(10, rel=0.4)
    with pytest.raises(ValueError, match="nothing to time"):
        speed.rate([])


def test_a_real_model_is_counted_by_its_own_tokenizer(tiny: str) -> None:
    """Tokens of a prompt are those of the rendered template, system prompt included; without a tokenizer, by length."""
    model = models.open(tiny)
    rendered = speed.rendered(model, records.chat("where is the cat"))
    assert "You are small." in rendered
    assert speed.tokens(model, [rendered]) == len(model.tokenizer(rendered, add_special_tokens=False)["input_ids"])
    assert speed.rendered(None, records.chat("abcd")) == "abcd"
    assert speed.tokens(None, ["abcd", "e"]) == 2
    found = speed.measure(model, batch=4)
    assert found.prefill.value > 0
    assert found.decode.value > 0


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("package:smollm2", ()),
        ("http://10.0.0.5:8000/v1#name", ("10.0.0.5",)),
        ("https://api.example/v1#name", ("api.example",)),
        ("hf:org/name", ("huggingface.co",)),
        ("hf:org/name+runs/adapter", ("huggingface.co",)),
        ("hf:/", ()),
    ],
)
def test_a_spec_tells_whom_it_would_contact(spec: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server by its host, the hub for an id, nobody for what lies here or when offline."""
    monkeypatch.delenv(network.VARIABLE, raising=False)
    assert contact.hosts(spec) == expected
    monkeypatch.setenv(network.VARIABLE, "1")
    if spec.startswith("hf:"):
        assert contact.hosts(spec) == ()
