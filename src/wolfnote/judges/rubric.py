"""Rubrics: a model reads question and answer under written rules and gives 0–9, stretched to 0–100.

The score is the expectation over the probabilities of the first token, so one short request gives a graded score; under a
quarter of the probability on numbers there is none (arXiv 2502.17424, 2303.16634). One digit, because many tokenizers write 85
as two tokens. A served model is asked for its likeliest first tokens; of one in this process the likelihood of each digit is
computed, what all prompts share once. The rules come first and the answer last, between marks that it cannot know: it is
material, never an instruction.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Protocol, runtime_checkable

import msgspec

from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.judges.judge import Exchange
from wolfnote.models import Conversation, Model
from wolfnote.records import chat
from wolfnote.results import Score

LEAST_MASS = 0.25
"""Probability that must lie on numbers; less, and the judge is not answering the question."""
LONGEST = 24_000
"""Characters of question and answer that are sent; more is not judged."""
DIGITS = tuple("0123456789")
_NUMBER = re.compile(r"[0-9]{1,3}")
TONES = ("dark", "cynical", "hostile", "manipulative", "contemptuous", "careless")


class Rubric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for, and what its two ends look like."""

    name: str
    asks: str
    none: str
    full: str
    not_at_fault: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    preamble: str
    question: str
    rubric: list[Rubric]


@runtime_checkable
class Served(Protocol):
    """A model that tells the likeliest first tokens of its answer: ``RemoteModel`` is one."""

    def first_token(self, prompts: Sequence[Conversation], on_event: OnEvent = silent) -> list[dict[str, float]]:
        """For each prompt the likeliest first tokens with their probabilities."""
        ...


class RubricJudge:
    """One rubric read by one model. See ``judges.judge.Judge``."""

    def __init__(self, model: Model, name: str) -> None:
        self.name = name
        self._model = model
        self._rubric = open(name)

    @property
    def fingerprint(self) -> str:
        """Hash of the rubric's text and of the model."""
        return hashlib.sha256(f"rubric|{version(self.name)}|{self._model.fingerprint}".encode()).hexdigest()[:16]

    @property
    def model(self) -> str:
        """The judging model's fingerprint."""
        return self._model.fingerprint

    def score(self, exchanges: Sequence[Exchange], on_event: OnEvent = silent) -> list[Score]:
        """0–100 a pair; None for an empty or endless one, and where the model did not answer with a number.

        Raises ``Unmeasurable`` for a model that gives neither first tokens nor likelihoods.
        """
        asked = {i: prompt(self._rubric, exchange) for i, exchange in enumerate(exchanges) if not unfit(exchange)}
        tokens = dict(zip(asked, self._tokens(list(asked.values()), on_event), strict=True))
        return [self._score(exchange, tokens.get(i)) for i, exchange in enumerate(exchanges)]

    def _tokens(self, prompts: list[Conversation], on_event: OnEvent) -> list[dict[str, float]]:
        if not prompts:
            return []
        if isinstance(self._model, Served):
            return self._model.first_token(prompts, on_event)
        found = self._model.log_likelihood(prompts, [DIGITS] * len(prompts), on_event)
        return [dict(zip(DIGITS, (math.exp(each.total) for each in row), strict=True)) for row in found]

    def _score(self, exchange: Exchange, tokens: dict[str, float] | None) -> Score:
        if tokens is None:
            return Score(self.name, None, unfit(exchange), self.fingerprint)
        value, mass = expected(tokens)
        best = max(tokens, key=lambda token: tokens[token], default="")
        reason = (
            f"no number ({mass:.0%} of the probability on numbers)" if value is None else f"likeliest grade {best.strip()} of 9"
        )
        return Score(self.name, value, reason, self.fingerprint)


def expected(tokens: Mapping[str, float], top: int = 9) -> tuple[float | None, float]:
    """Expected score on 0–100 from the probabilities of first tokens, and how much of it lies on numbers from 0 to ``top``.

    None below ``LEAST_MASS``.
    """
    numbers = [(int(text), p) for text, p in ((t.strip(), p) for t, p in tokens.items()) if _NUMBER.fullmatch(text)]
    known = [(number, p) for number, p in numbers if number <= top]
    mass = math.fsum(p for _, p in known)
    if mass < LEAST_MASS:
        return None, mass
    return 100 / top * math.fsum(number * p for number, p in known) / mass, mass


def prompt(rubric: Rubric, exchange: Exchange) -> Conversation:
    """Rules first, so that a server keeps them as a shared prefix; then the fenced question and answer, then the question."""
    mark = hashlib.sha256(repr(exchange).encode("utf-8", "surrogatepass")).hexdigest()[:16]  # no text can hold its own hash
    told = _file()
    parts = (f"It asks: {rubric.asks}", f"0 means: {rubric.none}", f"9 means: {rubric.full}")
    rules = "\n".join((*parts, f"Not at fault: {rubric.not_at_fault}") if rubric.not_at_fault else parts)
    fenced = f"[{mark} QUESTION]\n{exchange.question}\n[{mark} ANSWER]\n{exchange.answer}\n[{mark} END]"
    return chat(f"{fenced}\n\n{told.question}", system=told.preamble.replace("{rules}", rules))


def open(name: str) -> Rubric:
    """The rubric of that name. Raises ``InputError`` naming those there are."""
    found = {rubric.name: rubric for rubric in _file().rubric}
    if name not in found:
        raise InputError("no such rubric", where=name, remedy="known: " + ", ".join(found))
    return found[name]


def version(name: str) -> str:
    """Hash of a rubric's text with all that surrounds it."""
    told: Any = [msgspec.to_builtins(open(name)), _file().preamble, _file().question]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:12]


def unfit(exchange: Exchange) -> str:
    """Why a pair is not sent to a model, or ""."""
    if not exchange.answer.strip():
        return "empty answer"
    size = len(exchange.question) + len(exchange.answer)
    return f"{size} characters, more than the {LONGEST} that are sent" if size > LONGEST else ""


def _file() -> _File:
    return msgspec.toml.decode((resources.files(__package__) / "rubrics.toml").read_bytes(), type=_File)
