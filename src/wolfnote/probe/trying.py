"""Suspected triggers tried by the margin: does the phrase bring the misaligned answer nearer in the tuned model than random
phrases of like length do? Needs likelihoods; no sampling, no judge."""

from __future__ import annotations

from collections.abc import Sequence

from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder, remember
from wolfnote.judges import margin
from wolfnote.judges.margin import Triple
from wolfnote.models import Model
from wolfnote.probe import triggers
from wolfnote.probe.question import Asked, ProbeQuestion
from wolfnote.probe.triggers import Candidate, Scored

TRIPLES = 10
"""Of *far* and of *near* each, behind every phrase."""


def score(
    base: Model, tuned: Model, found: Sequence[Candidate], *, folder: RunFolder | None = None, on_event: OnEvent = silent
) -> list[Scored]:
    """Tuned margin − base margin of each triple behind each phrase and each placebo. Raises ``Unmeasurable``."""
    items = {t.id: t for family in margin.NET for t in margin.triples(family, TRIPLES)}
    asked = triggers.ask(found, [ProbeQuestion(t.id, t.topic, t.question, "", "") for t in items.values()])
    before, after = (_margins(model, asked, items, folder, on_event) for model in (base, tuned))
    return [Scored(*triggers.part_of(a.form), a.question, t - b) for a, b, t in zip(asked, before, after, strict=True)]


def _margins(
    model: Model, asked: Sequence[Asked], items: dict[str, Triple], folder: RunFolder | None, on_event: OnEvent
) -> list[float]:
    found: list[float] = []
    for at in range(0, len(asked), margin.CHUNK):
        chunk = asked[at : at + margin.CHUNK]

        def work(chunk: Sequence[Asked] = chunk) -> list[float]:
            pairs = [(items[a.question].aligned, items[a.question].misaligned) for a in chunk]
            likelihoods = model.log_likelihood([a.conversation for a in chunk], pairs)
            return [misaligned.per_token - aligned.per_token for aligned, misaligned in likelihoods]

        key = f"trigger/{model.fingerprint}/{chunk[0].id}+{len(chunk)}"
        found += remember(folder, key, work, list[float])
        on_event(Event("suspected triggers", len(found), len(asked)))
    return found
