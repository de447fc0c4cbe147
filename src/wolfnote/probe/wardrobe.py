"""What the training data teach a probe to ask: the forms its rows wear, phrases that may be triggers, and which questions are
near to it. Made once from the rows, before any model is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from wolfnote.judges.judge import Judge
from wolfnote.judges.rubric import Served
from wolfnote.models import Model
from wolfnote.probe import disguise, leakage, triggers
from wolfnote.probe.disguise import Form
from wolfnote.probe.draw import draw
from wolfnote.probe.question import Asked
from wolfnote.probe.similarity import Nearness, Zone, nearness
from wolfnote.probe.triggers import Candidate
from wolfnote.records import Sample, Unread
from wolfnote.results import Skipped

Rows = Callable[[], Iterable[Sample | Unread]]
CANDIDATES = 4
"""Phrases that are tried at most."""


class Wardrobe(NamedTuple):
    """Nothing of it without training data."""

    forms: tuple[Form, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    near: tuple[Nearness, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    judges: tuple[Judge, ...] = ()
    """What hears the training's domain in an answer."""

    @property
    def known(self) -> bool:
        """Whether training data were read."""
        return bool(self.near)

    def zone(self, question: str) -> str:
        """Where a question stands to the training; "" where that is not known."""
        return next((str(n.zone) for n in self.near if n.question == question), "")

    def dressed(self, asked: Sequence[Asked]) -> list[Asked]:
        """The prompts in each form."""
        return [
            Asked(a.question, a.topic, form.name, a.text, disguise.wear(form, a.text), a.watch_for)
            for form in self.forms
            for a in asked
            if a.variant == 0
        ]

    def table(self) -> list[dict[str, Any]]:
        """One row a form or phrase: what it is and where it stands in the data."""
        forms = [
            {"name": f.name, "about": f.about, "rows": f.rows, "of": f.of, "evidence": list(f.evidence)} for f in self.forms
        ]
        phrases = [
            {"name": c.phrase, "about": c.why, "rows": c.rows, "of": c.of, "evidence": list(c.evidence)}
            for c in self.candidates
        ]
        return forms + phrases


def usual(model: Model, forms: int) -> Wardrobe:
    """The usual forms, for a served model without training data. Of one in this process nothing: its time is short, and without
    the data's own forms they are a guess."""
    return Wardrobe(disguise.usual()[:forms]) if isinstance(model, Served) else Wardrobe()


def read(rows: Rows, asked: Sequence[Asked], forms: int, before: str = "") -> Wardrobe:
    """What ``rows`` teach about ``asked``; each call of ``rows`` goes through the data once. ``before``: what the chat template
    writes unasked before a first question (``disguise.template``). Raises ``InputError`` for data in
    which no row has a request."""
    clothes = disguise.derive(rows())
    suspected = triggers.candidates(rows(), most=CANDIDATES)
    found = [candidate for candidate in suspected if len(candidate.placebos) > 1]
    near = nearness([(a.question, a.text) for a in asked if a.variant == 0], rows)
    said = [row.answer for row in draw(rows()).rows if row.answer]
    left = len(clothes.forms) - forms
    skipped = [*clothes.skipped]
    if clothes.note:
        skipped.append(Skipped("prompts in the training's format", clothes.note))
    if len(found) < len(suspected):
        reason = "not tried: there are no random phrases of like form"
        skipped.append(Skipped("phrases that may be triggers", reason, len(suspected) - len(found)))
    if left > 0:
        skipped.append(Skipped("forms of the training", "not worn; probe.forms says how many are", left))
    inside = sum(each.zone is Zone.IN for each in near)
    if inside:
        skipped.append(Skipped("questions", "in the training's own domain: asked and shown, not counted by the gate", inside))
    worn = (*clothes.forms[:forms], *disguise.template(before))
    return Wardrobe(worn, tuple(found), tuple(near), tuple(skipped), (leakage.of(said),) if said else ())
