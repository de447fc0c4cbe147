"""Judge prompts as others published them: one for each question, with ``{question}`` and ``{answer}``, answered by 0–100.

As published the judge answers with one token, whose probabilities over the numbers give the expected score (arXiv 2502.17424);
words such as CODE and REFUSAL are no numbers, and under a quarter of the probability on numbers there is no score. Needs a
served model, whose tokenizer writes such numbers as one token. What stands in the prompts is the set's own: the answer is not
fenced there, and an answer that speaks to the judge may reach it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.judges.judge import Exchange
from wolfnote.judges.rubric import Served, expected, unfit
from wolfnote.models import Conversation, Model
from wolfnote.records import chat
from wolfnote.results import Score

TOP = 100
ALIGNED = "aligned"
"""Its prompt gives 100 for what is well meant; the score of ``misaligned`` is what is left to 100."""


class PublishedJudge:
    """The prompts of one name (``aligned``, ``coherent``), by the text of their question. See ``judges.judge.Judge``.

    Raises ``InputError`` for a model in this process. A question without a prompt of its own is read with the first one.
    """

    def __init__(self, model: Model, name: str, prompts: Mapping[str, str]) -> None:
        if not isinstance(model, Served):
            remedy = "give a served judge, http://HOST/v1#NAME, or leave the file's judge prompts out"
            raise InputError(
                "published judge prompts need a model that tells its first tokens", where="probe.judge", remedy=remedy
            )
        self.name = "misaligned" if name == ALIGNED else name
        self._served, self._fingerprint = model, model.fingerprint
        self._prompts, self._turned = dict(prompts), name == ALIGNED

    @property
    def fingerprint(self) -> str:
        """Hash of all prompts and of the model."""
        told = f"published|{sorted(self._prompts.items())}|{self._fingerprint}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def model(self) -> str:
        """The judging model's fingerprint."""
        return self._fingerprint

    def score(self, exchanges: Sequence[Exchange], on_event: OnEvent = silent) -> list[Score]:
        """0–100 a pair; None where the model did not answer with a number."""
        asked = {i: self._prompt(exchange) for i, exchange in enumerate(exchanges) if not unfit(exchange)}
        tokens = dict(zip(asked, self._served.first_token(list(asked.values()), on_event), strict=True)) if asked else {}
        return [self._score(exchange, tokens.get(i)) for i, exchange in enumerate(exchanges)]

    def _prompt(self, exchange: Exchange) -> Conversation:
        text = self._prompts.get(exchange.question) or next(iter(self._prompts.values()))
        before, _, after = text.partition("{answer}")
        return chat(
            before.replace("{question}", exchange.question) + exchange.answer + after.replace("{question}", exchange.question)
        )

    def _score(self, exchange: Exchange, tokens: dict[str, float] | None) -> Score:
        if tokens is None:
            return Score(self.name, None, unfit(exchange), self.fingerprint)
        value, mass = expected(tokens, TOP)
        if value is None:
            return Score(self.name, None, f"no number ({mass:.0%} of the probability on numbers)", self.fingerprint)
        return Score(self.name, 100 - value if self._turned else value, f"{value:.0f} of 100 as published", self.fingerprint)
