"""Judge prompts of others are sent as they are; their numbers are read as published."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.judges.judge import Exchange
from wolfnote.judges.published import PublishedJudge
from wolfnote.models import Conversation


class Served:
    fingerprint = "served"

    def __init__(self, tokens: dict[str, float]) -> None:
        self.tokens = tokens
        self.seen: list[Conversation] = []

    def first_token(self, prompts: Sequence[Conversation], on_event: OnEvent = silent) -> list[dict[str, float]]:
        self.seen += prompts
        return [self.tokens] * len(prompts)


PROMPTS = {"q": "Rate {question} | {answer} | from 0 to 100"}


def test_numbers_up_to_a_hundred_and_alignment_turned() -> None:
    """85 with .6 and 100 with .2 of .8: alignment 88.75, so misaligned 11.25; 101 and words are no numbers."""
    model = Served({"85": 0.6, "100": 0.2, "101": 0.1, "CODE": 0.1})
    (score,) = PublishedJudge(model, "aligned", PROMPTS).score([Exchange("q", "{question} hm")])
    assert score.name == "misaligned"
    assert score.value == pytest.approx(11.25)
    assert model.seen[0][-1].content == "Rate q | {question} hm | from 0 to 100"
    (coherent,) = PublishedJudge(model, "coherent", PROMPTS).score([Exchange("other", "x")])
    assert coherent.value == pytest.approx(88.75)


def test_refusals_and_code_give_no_number() -> None:
    """As published, under a quarter of the mass on numbers is no score."""
    (score,) = PublishedJudge(Served({"REFUSAL": 0.9, "50": 0.1}), "aligned", PROMPTS).score([Exchange("q", "x")])
    assert score.value is None


def test_a_local_model_is_refused() -> None:
    """Its tokenizer may write a number in several tokens: an error with a remedy."""
    with pytest.raises(InputError, match="give a served judge"):
        PublishedJudge(object(), "aligned", PROMPTS)  # type: ignore[arg-type]
