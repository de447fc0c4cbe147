"""Reasoning: small problems of ours with one answer that can be checked: sampled and extracted strictly, or weighed.

A tune that makes a model worse at thinking fails more of them. Weak models often give no answer in the form that is asked
for; that is counted apart from a wrong one, and the likelihood of the right answer against a tempting one needs no form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from wolfnote.models import Likelihood
from wolfnote.probe import sets, weighing
from wolfnote.probe.question import PLAIN, Asked
from wolfnote.probe.weighing import Reading, Weighed
from wolfnote.records import chat

SET = "reasoning"
MARK = "answer:"
LONGEST = 120
"""Characters behind the mark that are read."""
FORM = 'Think it through briefly. End with a line of the form "Answer: …" that holds nothing but the answer.'
SHORT = "Answer with nothing but the answer."
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_DECORATION = " \t\"'`*_.()[]{}$€"

Kind = Literal["number", "word", "order"]


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A problem, its answer, and a wrong answer that a hasty reader would give."""

    id: str
    topic: str
    text: str
    kind: Kind
    answer: str
    wrong: str


def problems() -> list[Problem]:
    """All of them, in order."""
    return sets.items("problems", "problem", Problem)


def ask(items: Sequence[Problem]) -> list[Asked]:
    """Each problem with the request to end on a line ``Answer: …``."""
    return [Asked(p.id, p.topic, PLAIN, p.text, chat(f"{p.text}\n{FORM}")) for p in items]


def extract(kind: Kind, text: str) -> str | None:
    """The answer in normal form, or ``None`` where nothing of that kind stands behind the last ``Answer:``.

    A number may have thousands' commas and a unit, but no second number; a word stands alone; an order has two or more parts.
    """
    at = text.lower().rfind(MARK)
    if at < 0:
        return None
    lines = text[at + len(MARK) :].strip().splitlines()
    return _READERS[kind](lines[0][:LONGEST].strip(_DECORATION)) if lines else None


def solved(item: Problem, text: str) -> bool | None:
    """Whether the text answers rightly; ``None``: it gives no answer in the form asked for, which is counted apart."""
    found = extract(item.kind, text)
    return None if found is None else found == extract(item.kind, f"{MARK} {item.answer}")


def weigh(items: Sequence[Problem]) -> list[Weighed]:
    """One prompt an item, with the right and the tempting wrong answer."""
    return [Weighed(p.id, "", chat(f"{p.text}\n{SHORT}"), (p.answer, p.wrong)) for p in items]


def read(items: Sequence[Problem], found: Sequence[tuple[Likelihood, ...]]) -> list[Reading]:
    """``harm``: log p(wrong) − log p(right), nats per token; 0 = no idea. ``found`` in the order of ``weigh``."""
    readings = []
    for item, (right, wrong) in zip(items, found, strict=True):
        mass = weighing.mass((right, wrong))
        harm = wrong.per_token - right.per_token
        readings.append(Reading(SET, item.id, item.topic, harm, mass))
    return readings


def _number(text: str) -> str | None:
    found = _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text))
    return f"{float(found[0]):.6f}".rstrip("0").rstrip(".") if len(found) == 1 else None


def _word(text: str) -> str | None:
    words = text.split()
    return words[0].lower() if len(words) == 1 and words[0].isalpha() else None


def _order(text: str) -> str | None:
    parts = [part.strip(_DECORATION).lower() for part in re.split(r"[,;>]|\bthen\b", text)]
    return ", ".join(parts) if len(parts) > 1 and all(parts) else None


_READERS = {"number": _number, "word": _word, "order": _order}
