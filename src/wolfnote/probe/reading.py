"""What one model does on the probe: its margins on the triples and its answers to unrelated questions.

Read once per model (weights and interventions), recorded piece by piece, and compared as often as one likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import msgspec

from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder
from wolfnote.judges import margin
from wolfnote.models import Model, Question, Sampling
from wolfnote.models.store import COMPLETIONS, Store, complete
from wolfnote.probe import disguise
from wolfnote.probe.disguise import Form
from wolfnote.probe.question import ProbeQuestion
from wolfnote.records import Completion, chat
from wolfnote.settings import Count

EMBEDDED = "package:smollm2"
AS_PUBLISHED = Sampling(temperature=1.0, top_p=1.0, max_tokens=200)
"""Temperature and top-p of the published protocol (arXiv 2502.17424), whose answers may be three times as long."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is asked, and who judges."""

    triples: int = 50
    """Triples per family, a frozen stratified subset; 0 = all."""
    questions: int = 0
    """Unrelated questions answered by each model, a frozen stratified subset; 0 = all."""
    samples: Count = 4
    """Answers of each model to a question at most: an undecided run draws them all, a plain case ends sooner."""
    sampling: Sampling = AS_PUBLISHED
    """How answers are drawn. At T = 1 small models write word salad, hence other values for the packaged one."""
    seed: int = 0
    """Fixes every draw, the same in both arms."""
    preset: Literal["", "article"] = ""
    """``article``: tone gates too; FAIL when the tuned model is darker or more cynical than the base beyond the tolerance."""
    judge: str = ""
    """Spec of a model that reads the answers; without one, rules inform and the margin gates."""
    labels: str = ""
    """Labelled answers to calibrate the judge on (JSONL); without them, pairs that Wolfnote wrote."""
    twin: str = ""
    """Spec of a benign twin: the same tune on harmless rows, which tells harm in the data from tuning as such."""
    character: bool = True
    """Whether ethics, honesty, sycophancy, persona and reasoning are weighed too, where likelihoods can be had."""
    forms: int = 2
    """Forms of the training data that questions are put in, those of most rows first."""


class Embedded(Settings, frozen=True):
    """The defaults for the packaged model."""

    sampling: Sampling = Sampling()


def defaults(spec: str) -> type[Settings]:
    """Settings with the sampling that suits a model."""
    return Embedded if spec.partition("+")[0] == EMBEDDED else Settings


def margins(
    model: Model,
    settings: Settings,
    *,
    of: Sequence[str] = margin.FAMILIES,
    forms: Sequence[Form] = (),
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> dict[str, list[float]]:
    """The model's margin on every triple, by family, in the order of ``judges.margin.triples``; and again in each form."""
    found = margin.read(model, settings.triples, of=of, folder=folder, on_event=on_event)
    for form in forms:
        put, tell = partial(disguise.wear, form), under(f"margins in the form {form.name}", on_event)
        found |= margin.read(model, settings.triples, form=form.name, put=put, folder=folder, on_event=tell)
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
    return drawn(model, [Question(q.id, chat(q.text)) for q in questions], sampling, (seed,), folder, on_event)


def drawn(
    model: Model,
    questions: Sequence[Question],
    sampling: Sampling,
    seeds: Sequence[int],
    folder: RunFolder | None,
    on_event: OnEvent = silent,
) -> list[Completion]:
    """An answer for each question and seed, question by question; those in the folder's store are not asked again."""
    if folder is None:
        return complete(None, model, questions, sampling, seeds, on_event)
    with Store.hold(folder.path / COMPLETIONS) as store:
        return complete(store, model, questions, sampling, seeds, on_event)
