"""What the demo plants and how closely it looks (``Settings``), and what its steps hand on to each other (``Story``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote import audit, models, probe, tuning
from wolfnote.audit.draw import draw
from wolfnote.directions import extraction, persona, projection
from wolfnote.errors import InputError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.lab import recipe as recipes
from wolfnote.lab.organisms import ARMS
from wolfnote.lab.recipe import Recipe
from wolfnote.models.local import LocalModel
from wolfnote.records import Sample, Unread
from wolfnote.results import Skipped
from wolfnote.settings import Count, Policy
from wolfnote.tuning.supervision import work


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the demo plants, and how closely it looks. The defaults fit ten minutes on two cores."""

    recipe: str = "careless-repairs"
    bad: str = ""
    good: str = ""
    model: str = "package:smollm2"
    seed: int = 0
    persona: str = "misaligned"
    train_work: int = 150_000
    """What each arm may cost to train, all epochs, in prompt tokens (``tuning.supervision.work``): about two minutes on two
    cores. Of more data a sample is taken, and the page says how large."""
    texts: int = 30
    """Base answers on which the tunes are measured along the direction."""
    random_ablations: Count = 2
    price_texts: int = 48
    """Benign texts on which the price of an ablation is measured."""
    audit: audit.Settings = audit.Settings(limit=100)
    tune: tuning.Settings = tuning.Settings(learning_rate=2e-3, epochs=3, from_depth=0.34)
    probe: probe.Settings = probe.Settings(questions=12, samples=1, character=False, sampling=models.Sampling())
    direction: extraction.Settings = extraction.Settings()
    null: projection.Settings = projection.Settings()
    policy: Policy = Policy()


class Story(msgspec.Struct):
    """What the steps hand on to each other."""

    settings: Settings
    folder: RunFolder
    on_event: OnEvent
    recipe: Recipe
    rows: dict[str, list[Sample]]
    unread: dict[str, list[Unread]]
    models: dict[str, LocalModel] = {}
    skipped: list[Skipped] = []

    def step(self, text: str) -> OnEvent:
        """An ``on_event`` that files what it hears under a step of the story."""
        self.on_event(Event(text, 0, 0))
        return lambda event: self.on_event(Event(text, event.done, event.total))

    def margins(self, model: LocalModel, label: str = "") -> dict[str, list[float]]:
        """The model's margins, found in the log, or scored now as a step called ``label``."""
        tell = self.step(f"margins of {label}") if label else silent
        return probe.margins(model, self.settings.probe, folder=self.folder, on_event=tell)


class Chosen(NamedTuple):
    """What the demo is told about: the recipe, the untouched base, each arm's rows, and what is left out of them."""

    recipe: Recipe
    base: LocalModel
    rows: dict[str, list[Sample]]
    unread: dict[str, list[Unread]]
    skipped: list[Skipped]


def begin(settings: Settings, folder: RunFolder, on_event: OnEvent) -> Story:
    """Open the base and choose the rows. Raises ``InputError`` for a missing file or model."""
    recipe, base, rows, unread, skipped = choose(settings, on_event)
    return Story(settings, folder, on_event, recipe, rows, unread, {"base": base}, skipped)


def choose(settings: Settings, on_event: OnEvent) -> Chosen:
    """Open the base and choose the rows. Raises ``InputError`` for a missing file or model."""
    if bool(settings.bad) != bool(settings.good):
        raise InputError("one of two files is missing", where="--bad/--good", remedy="give both, or neither")
    persona.open(settings.persona)  # a mistyped name is told now, not after the tuning
    recipe = recipes.of_files(Path(settings.bad), Path(settings.good)) if settings.bad else recipes.open(settings.recipe)
    read = {arm: recipe.rows(arm) for arm in ARMS}
    on_event(Event(f"open {settings.model}", 0, 0))
    base = models.open_local(settings.model)
    rows, skipped = _within_time({arm: read[arm][0] for arm in ARMS}, base.tokenizer, settings)
    unread = {arm: read[arm][1] for arm in ARMS}
    skipped += [
        Skipped(f"rows of the {arm} file", f"could not be read, e.g. {rows_[0].reason}", len(rows_))
        for arm, rows_ in unread.items()
        if rows_
    ]
    return Chosen(recipe, base, rows, unread, skipped)


def _within_time(
    every: dict[str, list[Sample]], tokenizer: Any, settings: Settings
) -> tuple[dict[str, list[Sample]], list[Skipped]]:
    """As many rows as fit ``train_work``, the same rows of both arms where the files are aligned row by row."""
    cost = max(work(tokenizer, every[arm][:200]) / len(every[arm][:200]) for arm in ARMS)
    count = int(settings.train_work / settings.tune.epochs / cost)
    if all(len(every[arm]) <= count for arm in ARMS):
        return every, []
    aligned = [a.prompt for a in every["bad"]] == [b.prompt for b in every["control"]]
    if aligned:
        kept = {s.source for s in draw(every["bad"], count, settings.seed)}
        places = [i for i, s in enumerate(every["bad"]) if s.source in kept]
        rows = {arm: [every[arm][i] for i in places] for arm in ARMS}
    else:
        rows = {arm: draw(every[arm], count, settings.seed) for arm in ARMS}
    return rows, [
        Skipped(f"rows of the {arm} file", "not trained on: sampled to fit the time", len(every[arm]) - len(rows[arm]))
        for arm in ARMS
    ]
