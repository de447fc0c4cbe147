"""Who answers: what every model, local or remote, does for the defences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

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


class Model(Protocol):
    """A model that can answer and, where its weights or its server allow, say how likely a given answer was."""

    spec: str

    @property
    def fingerprint(self) -> str:
        """Hash of the weights (base, adapter, and any intervention in force), never a name."""
        ...

    def generate(
        self, questions: Sequence[Question], sampling: Sampling, seed: int, on_event: OnEvent = silent
    ) -> list[Completion]:
        """One completion a question, in order. Each has its own random stream, so batching changes nothing."""
        ...

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """For each prompt, the likelihood of each of its answers (every prompt with the same number of answers)."""
        ...
