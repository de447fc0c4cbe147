"""Texts to find a direction from: the same number of rows on two sides, which differ in character and in nothing else.

of_persona  the model's own plain answers, read behind opposite system instructions (``docs/decisions/direction.md``)
of_answers  a good and a bad answer to the same question, teacher-forced: no generation, no judge

The third contrast, a tuned model against its base, has one text and two models: ``extraction.from_tune``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.directions.activations import Row
from wolfnote.directions.persona import Persona
from wolfnote.errors import InputError, RunError
from wolfnote.events import OnEvent, silent
from wolfnote.models import Model, Question, Sampling
from wolfnote.models.store import Store, complete
from wolfnote.records import Unread, chat

QUESTIONS, CONTRASTS = "questions", "contrasts"


@dataclass(frozen=True)
class Contrast:
    """``positive[i]`` and ``negative[i]`` are a pair; ``plain`` rows set the origin and the unit of projections.

    ``units``: for each thing that a pair has (its question, its instruction), which one it is. Halves of a unit tell
    whether a direction holds beyond the very questions it was found on.
    """

    persona: str
    positive: Sequence[Row]
    negative: Sequence[Row]
    plain: Sequence[Row]
    units: dict[str, Sequence[int]]
    receipts: dict[str, Any] = field(default_factory=dict)


class Answers(msgspec.Struct, frozen=True):
    """A question with a good and a bad answer of like length and form. Other keys of a row are left unread."""

    question: str
    good: str
    bad: str


def of_persona(
    model: Model,
    persona: Persona,
    *,
    questions: int,
    answer_tokens: int,
    seed: int = 0,
    store: Store | None = None,
    on_event: OnEvent = silent,
) -> Contrast:
    """The model answers plainly, once; each answer is then read behind every positive and every negative instruction.

    Raises ``RunError`` when the model says nothing.
    """
    asked = [Question(f"{persona.persona}/{i}", chat(q)) for i, q in enumerate(persona.questions[:questions])]
    said = complete(store, model, asked, Sampling(max_tokens=answer_tokens), (seed,), on_event)
    spoken = [(q.messages[-1].content, c.text) for q, c in zip(asked, said, strict=True) if c.text]
    if len(spoken) < 2:
        raise RunError(f"{model.spec} answered {len(spoken)} of {len(asked)} questions: too few to find a direction")
    each = [(c, i) for c in range(len(persona.contrast)) for i in range(len(spoken))]

    def behind(side: str) -> list[Row]:
        return [(chat(spoken[i][0], system=getattr(persona.contrast[c], side)), spoken[i][1]) for c, i in each]

    return Contrast(
        persona.persona,
        behind("positive"),
        behind("negative"),
        [(chat(question), text) for question, text in spoken],
        {QUESTIONS: [i for _, i in each], CONTRASTS: [c for c, _ in each]},
        {"contrast": "persona instructions", "kind": persona.kind, "unanswered": len(asked) - len(spoken)},
    )


def of_answers(persona: str, items: Sequence[Answers]) -> Contrast:
    """Bad answers against good ones to the same questions. Good answers are the plain ones: origin and unit.

    Raises ``InputError`` for fewer than four pairs: halves of them could not be compared.
    """
    if len(items) < 4:
        raise InputError(f"{len(items)} pairs of answers", where=persona, remedy="give at least four, better two hundred")
    good = [(chat(a.question), a.good) for a in items]
    bad = [(chat(a.question), a.bad) for a in items]
    return Contrast(persona, bad, good, good, {QUESTIONS: range(len(items))}, {"contrast": "paired answers"})


def read_answers(path: Path) -> tuple[list[Answers], list[Unread]]:
    """Rows ``{"question", "good", "bad"}`` of a JSONL file; a row that is none comes back with its place and the reason.

    Raises ``InputError`` when the file is missing or no row could be read.
    """
    remedy = 'give one {"question": "…", "good": "…", "bad": "…"} a line'
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"not readable ({error.strerror})", where=str(path), remedy=remedy) from None
    parsed = [_answers(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    unread = [row for row in parsed if isinstance(row, Unread)]
    found = [row for row in parsed if isinstance(row, Answers)]
    if not found:
        reason = f"none of {len(unread)} rows could be read; first: {unread[0].reason}" if unread else "the file is empty"
        raise InputError(reason, where=unread[0].source if unread else str(path), remedy=remedy)
    return found, unread


def _answers(line: bytes, source: str) -> Answers | Unread:
    try:
        row = msgspec.json.decode(line, type=Answers)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unread(source, str(error))
    blank = [name for name in ("question", "good", "bad") if not getattr(row, name).strip()]
    return Unread(source, f"nothing in {blank[0]}") if blank else row
