"""What an intervention costs: how much worse the model predicts ordinary, kind, correct answers."""

from __future__ import annotations

from importlib import resources
from math import exp

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.models import Model
from wolfnote.records import chat


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A harmless prompt and a good answer."""

    id: str
    prompt: str
    answer: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    text: list[Text]


def benign_texts() -> list[Text]:
    """Wolfnote's own ordinary prompts and answers."""
    return msgspec.toml.decode(resources.files(__package__).joinpath("benign.toml").read_bytes(), type=_File).text


def count(limit: int) -> int:
    """How many texts a price over at most ``limit`` of them is measured on."""
    return min(limit, len(benign_texts()))


def perplexity(model: Model, limit: int | None = None, on_event: OnEvent = silent) -> float:
    """exp of the mean negative log-likelihood per token over the benign answers (the first ``limit`` of them)."""
    texts = benign_texts()[:limit]
    found = model.log_likelihood([chat(t.prompt) for t in texts], [(t.answer,) for t in texts], on_event)
    return exp(-sum(one.total for (one,) in found) / sum(one.tokens for (one,) in found))
