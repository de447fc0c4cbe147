"""What one model does on the probe: its margins on the triples and its answers to unrelated questions.

Read once per model (weights and interventions), recorded piece by piece, and compared as often as one likes.
"""

from __future__ import annotations

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.judges import margin
from wolfnote.models import Model, Question, Sampling
from wolfnote.models.store import COMPLETIONS, Store, complete
from wolfnote.probe.question import ProbeQuestion
from wolfnote.records import Completion, chat


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
    return margin.read(model, settings.triples, folder=folder, on_event=on_event)


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
