"""Who answers: what every model, local or remote, does for the defences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.records import Completion, Message

Conversation = tuple[Message, ...]


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How answers are drawn. The defaults suit models of 0.1–8 B: at T = 1 without top-p small ones drift into salad."""

    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 48


class Question(NamedTuple):
    """A conversation to be answered, and the id its completion carries."""

    id: str
    messages: Conversation


class Likelihood(NamedTuple):
    """Sum of log p (nats) over the answer's tokens, end-of-turn left out, and how many tokens they are."""

    total: float
    tokens: int

    @property
    def per_token(self) -> float:
        """Mean log p, nats per token."""
        return self.total / self.tokens


OnCompletion = Callable[[Completion], None]


def ignore(completion: Completion) -> None:
    """Do nothing with a finished completion. The default of every ``on_completion``."""


class Model(Protocol):
    """A model that can answer and, where its weights or its server allow, say how likely a given answer was."""

    spec: str

    @property
    def fingerprint(self) -> str:
        """Hash of the weights (base, adapter, and any intervention in force), never a name."""
        ...

    @property
    def template(self) -> str:
        """Hash of the chat template; a server keeps its own to itself, and then this is ``""``."""
        ...

    def about(self) -> dict[str, Any]:
        """What a run's record says of it: spec, fingerprint, template, silent system prompt, device or usage so far."""
        ...

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """One completion for each question and seed, question by question.

        Each is drawn from a random stream of its own, fixed by (seed, question id), so neither the batch nor the other seeds
        change it. ``on_completion`` hears each one as soon as it is whole, in any order: whoever records it there loses
        nothing to a kill.
        """
        ...

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """For each prompt, the likelihood of each of its answers. Raises ``Unmeasurable`` where there are none to be had."""
        ...
