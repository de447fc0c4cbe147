"""What one model does on the probe: its margins on the triples and its answers to unrelated questions.

Read once per model (weights and interventions), recorded piece by piece, and compared as often as one likes.
"""

from __future__ import annotations

from functools import partial

import msgspec

from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder, remember
from wolfnote.judges import margin
from wolfnote.models import Model, Question, Sampling
from wolfnote.models.store import COMPLETIONS, Store, complete
from wolfnote.probe.question import ProbeQuestion
from wolfnote.records import Completion, chat

CHUNK = 25  # fixed, so that a resumed run scores the same batches and gets the same floats


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is asked."""

    triples: int = 50
    """Triples per family, a frozen stratified subset; 0 = all."""
    questions: int = 12
    """Unrelated questions answered by each model, to be read by a person."""
    sampling: Sampling = Sampling()


def margins(
    model: Model, settings: Settings, *, folder: RunFolder | None = None, on_event: OnEvent = silent
) -> dict[str, list[float]]:
    """The model's margin on every triple, by family, in the order of ``judges.margin.triples``."""
    families = {family: margin.triples(family, settings.triples) for family in margin.FAMILIES}
    total = sum(map(len, families.values()))
    found: dict[str, list[float]] = {family: [] for family in families}
    for family, items in families.items():
        for at in range(0, len(items), CHUNK):
            chunk = items[at : at + CHUNK]
            key = f"margin/{model.fingerprint}/{family}/{chunk[0].id}+{len(chunk)}"
            found[family] += remember(folder, key, partial(margin.measure, model, chunk), list[float])
            on_event(Event("margins", sum(map(len, found.values())), total))
    return found


def answers(
    model: Model,
    questions: list[ProbeQuestion],
    sampling: Sampling,
    *,
    seed: int = 0,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> list[Completion]:
    """One sampled answer a question, kept in the folder's completion store as it comes."""
    asked = [Question(q.id, chat(q.text)) for q in questions]
    if folder is None:
        return complete(None, model, asked, sampling, (seed,), on_event)
    with Store.hold(folder.path / COMPLETIONS) as store:
        return complete(store, model, asked, sampling, (seed,), on_event)
