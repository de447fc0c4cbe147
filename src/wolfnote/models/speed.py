"""How fast this machine reads and writes with a model: a test of some seconds, to tell minutes before they are spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from wolfnote.events import Event, OnEvent, silent
from wolfnote.forecast import Span
from wolfnote.models.chat import prompt_text
from wolfnote.models.model import Conversation, Model, Question, Sampling
from wolfnote.records import chat

SECONDS = 2.0
PATIENCE = 5
SHORT = 16
FEW, DOUBT = 2, 1.5
"""So few pieces say little of their spread: their ends are put this factor further out."""
CHARACTERS_A_TOKEN = 4
"""English text under the common vocabularies; used only where no tokenizer is at hand."""

_TEXT = "Sun and wind decide how long the laundry takes, so bring it in before evening."


class Rate(NamedTuple):
    """Units done a second: over the whole test, and in its slowest and fastest piece. ``tested`` = the test's own seconds."""

    value: float
    low: float
    high: float
    tested: float

    def seconds(self, units: float) -> Span:
        """How long ``units`` take."""
        return Span(units / self.value, units / self.high, units / self.low)


class Speed(NamedTuple):
    """Tokens a second: read while scoring given answers, and written while answering."""

    prefill: Rate
    decode: Rate


def rate(pieces: Iterable[Callable[[], float]], seconds: float = SECONDS) -> Rate:
    """Do one piece after another until ``seconds`` are timed; each returns the units it did. The first only warms up, unless
    it alone takes several times as long.

    Raises ``ValueError`` when there is no piece.
    """
    found = _timed(pieces, seconds)
    if not found:
        raise ValueError("nothing to time")
    counted = found[1:] or found
    each = [units / spent for units, spent in counted]
    value = sum(units for units, _ in counted) / sum(spent for _, spent in counted)
    wider = 1.0 if len(counted) > FEW else DOUBT
    return Rate(value, min(each) / wider, max(each) * wider, sum(spent for _, spent in found))


def _timed(pieces: Iterable[Callable[[], float]], seconds: float) -> list[tuple[float, float]]:
    """Units and seconds of each piece that was done."""
    found: list[tuple[float, float]] = []
    for piece in pieces:
        start = time.perf_counter()
        units = piece()
        found.append((units, max(time.perf_counter() - start, 1e-9)))
        if sum(spent for _, spent in found[1:]) > seconds or found[0][1] > PATIENCE * seconds:
            break
    return found


def measure(
    model: Model,
    prompts: Sequence[Conversation] = (),
    answers: Sequence[Sequence[str]] = (),
    questions: Sequence[Conversation] = (),
    sampling: Sampling = Sampling(),  # noqa: B008 - frozen
    *,
    batch: int = 25,
    on_event: OnEvent = silent,
) -> Speed:
    """The model's speed on work like the given one (without any, on a text of our own), through the protocol alone.

    ``answers`` of ``prompts`` are scored and ``questions`` answered, ``batch`` at once: as the real work would.
    """
    on_event(Event(f"speed test of {model.spec}", 0, 0))
    prompts = prompts or [chat(f"{i}: {_TEXT}") for i in range(4 * batch)]
    answers = answers or [(_TEXT, _TEXT)] * len(prompts)
    read = rate(_reading(model, prompts, answers, batch))
    return Speed(read, _writing(model, questions or prompts, sampling, batch, read))


def tokens(model: Model | None, texts: Sequence[str]) -> int:
    """How many tokens the texts are; without a tokenizer (``None``, a server), about a token for four characters."""
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        return -(-sum(map(len, texts)) // CHARACTERS_A_TOKEN)
    return sum(len(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]) if texts else 0


def rendered(model: Model | None, conversation: Conversation) -> str:
    """A prompt as the model reads it; without a chat template at hand (a server keeps its own), what is said in it."""
    tokenizer = getattr(model, "tokenizer", None)
    return "\n".join(m.content for m in conversation) if tokenizer is None else prompt_text(tokenizer, conversation)


def _reading(
    model: Model, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], batch: int
) -> Iterable[Callable[[], float]]:
    for at in range(0, len(prompts), batch):
        asked, given = prompts[at : at + batch], answers[at : at + batch]

        def piece(asked: Sequence[Conversation] = asked, given: Sequence[Sequence[str]] = given) -> float:
            model.log_likelihood(asked, given)
            return tokens(model, [rendered(model, p) for p in asked] + [a for options in given for a in options])

        yield piece


def _writing(model: Model, questions: Sequence[Conversation], sampling: Sampling, batch: int, prefill: Rate) -> Rate:
    """Tokens written a second, with the time that reading the questions takes left out; a few tokens an answer show it."""
    short = msgspec.structs.replace(sampling, max_tokens=min(SHORT, sampling.max_tokens))
    both = rate(_answering(model, questions, short, batch))
    read = tokens(model, [rendered(model, q) for q in questions]) / (len(questions) * short.max_tokens)

    def alone(value: float) -> float:
        return 1 / max(1 / value - read / prefill.value, 0.25 / value)  # never more than a guess's worth of time is left out

    return Rate(alone(both.value), alone(both.low), alone(both.high), both.tested)


def _answering(
    model: Model, questions: Sequence[Conversation], sampling: Sampling, batch: int
) -> Iterable[Callable[[], float]]:
    for at in range(0, len(questions), batch):
        asked = [Question(f"speed/{at + i}", q) for i, q in enumerate(questions[at : at + batch])]

        def piece(asked: list[Question] = asked) -> float:
            said = model.generate(asked, sampling)
            ended = sum(c.finish_reason == "length" for c in said)
            stopped = [c.text for c in said if c.finish_reason == "stop"]
            return max(1.0, ended * sampling.max_tokens + tokens(model, stopped))

        yield piece
