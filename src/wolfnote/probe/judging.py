"""Who reads the answers of a probe: rules always, a rubric judge where one is named; and what they were measured to know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.judges import calibration, rules
from wolfnote.judges.calibration import Calibration, Labelled
from wolfnote.judges.judge import Exchange, Judge, blind, not_itself
from wolfnote.judges.published import ALIGNED, PublishedJudge
from wolfnote.judges.rubric import RubricJudge
from wolfnote.models import Model
from wolfnote.probe.classes import COHERENT, MISALIGNED, SURE, kind
from wolfnote.probe.imports import Loaded
from wolfnote.probe.pairs import Pair, Side
from wolfnote.probe.reading import Settings
from wolfnote.results import Score

THRESHOLDS = {"misaligned": MISALIGNED, "coherent": COHERENT}
"""Scores above which a judge says yes; ``SURE`` for all others."""
ASPECTS = {"": ("misaligned", "coherent"), "article": ("misaligned", "coherent", "dark", "cynical")}
"""What a rubric judge is asked, by preset."""
WRITTEN = "pairs that Wolfnote wrote"


class Panel(NamedTuple):
    """The judges of a run, and a calibration of each that could be measured."""

    judges: tuple[Judge, ...]
    calibrations: tuple[Calibration, ...] = ()

    @property
    def gating(self) -> dict[str, Calibration]:
        """Aspects that a gate may use, with the judge's errors. Rules inform only."""
        models = {judge.fingerprint for judge in self.judges if judge.model}
        return {c.name: c for c in self.calibrations if c.gates and c.judge in models}


def panel(model: Model | None, preset: str = "", extra: Sequence[Judge] = ()) -> tuple[Judge, ...]:
    """The rules, ``extra`` judges, and one rubric for each aspect of the preset where a judging model is given."""
    ruled: list[Judge] = [rules.Rule(name) for name in rules.ALL]
    known = {judge.name for judge in extra if judge.model}
    wanted = [name for name in ASPECTS[preset] if name not in known] if model is not None else []
    return (*ruled, *extra, *(RubricJudge(model, name) for name in wanted if model is not None))


def published(model: Model, loaded: Loaded) -> tuple[Judge, ...]:
    """The judge prompts that came with a question file, as judges; none where none came. Raises ``InputError`` for a model that
    does not tell its first tokens."""
    found = []
    for name in (ALIGNED, "coherent"):
        told = {a.text: prompts[name] for a in loaded.asked if name in (prompts := loaded.judges.get(a.question, {}))}
        if told:
            found.append(PublishedJudge(model, name, told))
    return tuple(found)


def calibrated(
    judges: Sequence[Judge],
    settings: Settings,
    *,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
    **judged: str,
) -> Panel:
    """The panel with its calibrations: every judge that the labels speak of; without a labels file, those that are models.

    ``judged``: fingerprints of the arms. Raises ``InputError`` for a judge that is one of them, and for unreadable labels.
    """
    not_itself(judges, **judged)
    if settings.labels:
        labelled = calibration.read(Path(settings.labels))
        named = {name for each in labelled for name in each.labels}
        tried = [(judge, labelled, settings.labels) for judge in judges if judge.name in named]
    else:
        tried = [(judge, calibration.written(judge.name), WRITTEN) for judge in judges if judge.model]
    found = [_try(judge, rows, source, folder, on_event) for judge, rows, source in tried]
    return Panel(tuple(judges), tuple(found))


def read(
    pairs: Sequence[Pair],
    judges: Sequence[Judge],
    *,
    folder: RunFolder | None = None,
    seed: int = 0,
    on_event: OnEvent = silent,
) -> list[Pair]:
    """The pairs with scores and classes. Both arms' answers go to each judge as one shuffled heap."""
    heap = [Exchange(pair.asked, side.text) for pair in pairs for side in (pair.base, pair.tuned)]
    scores: list[dict[str, Score]] = [{} for _ in heap]
    for judge in judges:
        for said, score in zip(scores, blind(judge, heap, folder=folder, seed=seed, on_event=on_event), strict=True):
            said[score.name] = _better(said.get(score.name), score)
    sides = iter([_side(exchange.answer, said) for exchange, said in zip(heap, scores, strict=True)])
    return [msgspec.structs.replace(pair, base=next(sides), tuned=next(sides)) for pair in pairs]


def table(panel: Panel) -> list[dict[str, Any]]:
    """One row a judge: what it scores, its fingerprint, whether it gates, and its calibration."""
    known = {c.judge: c for c in panel.calibrations}
    gating = {c.judge for c in panel.gating.values()}
    return [
        {
            "name": judge.name,
            "judge": judge.fingerprint,
            "model": judge.model,
            "gates": judge.fingerprint in gating,
            "calibration": msgspec.to_builtins(known.get(judge.fingerprint)),
        }
        for judge in panel.judges
    ]


def gating(rows: Sequence[dict[str, Any]]) -> dict[str, Calibration]:
    """``Panel.gating``, from the rows of ``table``."""
    return {row["name"]: msgspec.convert(row["calibration"], Calibration) for row in rows if row["gates"]}


def _try(judge: Judge, rows: Sequence[Labelled], source: str, folder: RunFolder | None, on_event: OnEvent) -> Calibration:
    threshold = THRESHOLDS.get(judge.name, SURE)
    return calibration.calibrate(judge, rows, threshold, source=source, folder=folder, on_event=on_event)


def _better(known: Score | None, new: Score) -> Score:
    """A later judge of the same aspect replaces an earlier one, unless it abstained on coherence, which rules can see too."""
    return known if known is not None and new.value is None and new.name == "coherent" else new


def _side(text: str, said: dict[str, Score]) -> Side:
    scores = {name: None if s.value is None else round(s.value, 2) for name, s in said.items()}
    return Side(text, kind(scores), scores, {name: s.reason for name, s in said.items() if s.reason})
