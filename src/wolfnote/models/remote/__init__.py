"""``http(s)://host[:port]/v1#name``: a model behind any OpenAI-compatible server. See ``models.model.Model``.

Its weights cannot be seen, so its fingerprint is the hash of address and name: someone who changes the weights behind a name
is not noticed here. The key in ``OPENAI_API_KEY`` (or the variable that the settings name) goes to the host in the spec and
to no other.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

from wolfnote.errors import InputError, RunError, Unmeasurable
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models import endpoint
from wolfnote.models.chat import turn
from wolfnote.models.endpoint import Remote
from wolfnote.models.model import Conversation, Likelihood, OnCompletion, Question, Sampling, ignore
from wolfnote.models.remote import reply, scoring
from wolfnote.models.remote.connection import Connection, Unreachable, unknown_model
from wolfnote.models.remote.pool import spread
from wolfnote.records import Completion

ANSWERS_TO_ANY_NAME = ("llamacpp",)
"""Owners, in the list of models, of servers that give one model whatever name is asked for."""


class RemoteModel:
    """A model that is asked over HTTP, many questions at a time."""

    def __init__(self, spec: str, settings: Remote = Remote()) -> None:  # noqa: B008 - frozen
        self.spec = spec
        self.settings = settings
        self._connection = Connection(endpoint.parse(spec), settings)
        self._met = False
        self._way: tuple[str, scoring.Way] | None = None
        self._unmeasurable = ""

    @property
    def fingerprint(self) -> str:
        """Hash of address and name."""
        return self._connection.endpoint.fingerprint

    @property
    def template(self) -> str:
        """``""``: the server keeps its chat template to itself."""
        return ""

    def about(self) -> dict[str, Any]:
        """Spec, fingerprint, what the server calls itself, how likelihoods are had, usage so far, and cost at known prices."""
        prices = self.settings.price_in, self.settings.price_out
        usage = self._connection.usage
        return {
            "spec": self.spec,
            "fingerprint": self.fingerprint,
            "template": self.template,
            "weights": "unseen: named by address and model name",
            "answered_as": usage.names(),
            "log_likelihood": self._way[0] if self._way else self._unmeasurable or "not asked for",
            "usage": usage.counts(),
            **({"cost": round(usage.cost(*prices), 6)} if any(prices) else {}),
        }

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """One request for each question and seed; ``on_completion`` is called in the caller's thread.

        The server is sent a seed of 31 bits made from (seed, question id); whether equal seeds give equal answers is up to it.
        Raises ``InputError`` for a key, name or address that the server refuses, ``RunError`` when it stops answering.
        """
        self._meet()
        wanted = [(question, seed) for question in questions for seed in seeds]
        found: dict[int, Completion] = {}
        stopped = threading.Event()
        work = partial(self._answer, sampling, stopped)
        with closing(spread(work, wanted, self.settings.concurrency, stopped)) as answers:
            for index, completion in answers:
                found[index] = completion
                on_completion(completion)
                on_event(Event("answers", len(found), len(wanted)))
        return [found[i] for i in range(len(wanted))]

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """For each prompt, the likelihood of each of its answers.

        Raises ``Unmeasurable`` where the server gives no log-probabilities of a prompt, or wrong ones; see
        ``models.remote.scoring``.
        """
        way = self._checked_way()
        flat = [(p, answer) for p, options in zip(prompts, answers, strict=True) for answer in options]
        found: dict[int, Likelihood] = {}
        stopped = threading.Event()
        with closing(spread(partial(self._score, way), flat, self.settings.concurrency, stopped)) as scores:
            for index, likelihood in scores:
                found[index] = likelihood
                on_event(Event("likelihoods", len(found), len(flat)))
        rest = iter(range(len(flat)))
        return [tuple(found[next(rest)] for _ in options) for options in answers]

    def first_token(self, prompts: Sequence[Conversation], on_event: OnEvent = silent) -> list[dict[str, float]]:
        """For each prompt, the likeliest first tokens of an answer (at most 20) with their probabilities, at temperature 1.

        Empty where the server gives no log-probabilities of what it writes. Raises like ``generate``.
        """
        self._meet()
        found: dict[int, dict[str, float]] = {}
        stopped = threading.Event()
        work = partial(self._weigh, stopped)
        with closing(spread(work, list(prompts), self.settings.concurrency, stopped)) as answers:
            for index, tokens in answers:
                found[index] = tokens
                on_event(Event("judgements", len(found), len(prompts)))
        return [found[i] for i in range(len(prompts))]

    def _weigh(self, stopped: threading.Event, prompt: Conversation) -> dict[str, float]:
        body = {"messages": [turn(m) for m in prompt], "max_tokens": 1, "temperature": 1, "logprobs": True, "top_logprobs": 20}
        return self._connection.post("chat/completions", body, reply.first_token, stopped=stopped)

    def _meet(self) -> None:
        """Before the first question: is anyone there, and does this name mean anything to it?"""
        if self._met:
            return
        try:
            names = self._connection.names()
        except Unreachable:
            raise  # soon, rather than after the whole backoff of eight questions
        except (InputError, RunError):
            names = {}  # no list of models: the first question will tell
        asked = self._connection.endpoint
        if asked.name not in names and set(names.values()) & set(ANSWERS_TO_ANY_NAME):
            raise unknown_model(asked, list(names))
        self._met = True

    def _answer(self, sampling: Sampling, stopped: threading.Event, item: tuple[Question, int]) -> Completion:
        question, seed = item
        body = {
            "messages": [turn(message) for message in question.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": stream_seed(seed, question.id),
        }
        said = self._connection.post("chat/completions", body, reply.read, stopped=stopped)
        return Completion(question.id, self.fingerprint, said.text, seed, said.finish_reason, reasoning=said.reasoning)

    def _checked_way(self) -> scoring.Way:
        if self._unmeasurable:
            raise Unmeasurable(self._unmeasurable)
        if self._way is None:
            self._meet()
            try:
                self._way = scoring.choose(self._connection)
            except Unmeasurable as error:
                self._unmeasurable = str(error)
                raise
        return self._way[1]

    def _score(self, way: scoring.Way, item: tuple[Conversation, str]) -> Likelihood:
        try:
            tokens = way(self._connection, *item)
            return Likelihood(scoring.total(tokens), len(tokens))
        except scoring.Unusable as error:
            raise Unmeasurable(f"{self._connection.endpoint.host}: {error} ({item[1][:40]!r})") from None


def stream_seed(seed: int, question_id: str) -> int:
    """31 bits from (seed, question id): questions do not share a stream, and every server's integer can hold it."""
    digest = hashlib.sha256(f"{seed}/{question_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
