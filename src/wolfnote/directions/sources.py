"""What a direction is found from: a persona, good and bad answers to the same questions, or what a tune changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Protocol

from wolfnote import models, records
from wolfnote.directions import contrasts, extraction, persona
from wolfnote.directions.activations import Row
from wolfnote.directions.contrasts import Answers
from wolfnote.directions.direction import Direction
from wolfnote.directions.extraction import Settings
from wolfnote.directions.persona import Persona
from wolfnote.errors import InputError
from wolfnote.events import OnEvent
from wolfnote.models import Conversation
from wolfnote.models.local import LocalModel
from wolfnote.records import Unread, chat
from wolfnote.results import Skipped

MOST = 400
"""Rows that base and tune both read."""


class Source(Protocol):
    """Something a direction can be found from."""

    @property
    def name(self) -> str:
        """What the direction is called, and its file."""
        ...

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What of it could not be read."""
        ...

    def find(self, model: LocalModel, settings: Settings, seed: int, on_event: OnEvent) -> Direction:
        """The direction in ``model``."""
        ...

    def texts(self, settings: Settings) -> tuple[list[Conversation], list[Conversation]]:
        """Prompts that the model answers, and conversations that are read behind them: what it would take."""
        ...


@dataclass(frozen=True)
class FromPersona:
    """The same words read under opposite instructions."""

    persona: Persona
    skipped: tuple[Skipped, ...] = ()

    @property
    def name(self) -> str:
        """The persona's."""
        return self.persona.persona

    def find(self, model: LocalModel, settings: Settings, seed: int, on_event: OnEvent) -> Direction:
        """See ``extraction.extract``."""
        return extraction.extract(model, self.persona, settings, seed=seed, on_event=on_event)

    def texts(self, settings: Settings) -> tuple[list[Conversation], list[Conversation]]:
        """Each question plain, and behind every instruction."""
        questions = self.persona.questions[: settings.questions]
        systems = [system for c in self.persona.contrast for system in (c.positive, c.negative)]
        return [chat(q) for q in questions], [chat(q, system=system) for q in questions for system in systems]


@dataclass(frozen=True)
class FromAnswers:
    """Bad answers against good ones, teacher-forced."""

    name: str
    answers: tuple[Answers, ...]
    skipped: tuple[Skipped, ...] = ()

    def find(self, model: LocalModel, settings: Settings, seed: int, on_event: OnEvent) -> Direction:
        """See ``contrasts.of_answers``."""
        contrast = contrasts.of_answers(self.name, self.answers)
        how = (settings.method,), (settings.position,)
        return extraction.from_contrast(model, contrast, *how, seed=seed, on_event=on_event)[0]

    def texts(self, settings: Settings) -> tuple[list[Conversation], list[Conversation]]:
        """Nothing is asked; both answers of each question are read."""
        return [], [(*chat(a.question), records.Message("assistant", text)) for a in self.answers for text in (a.good, a.bad)]


@dataclass(frozen=True)
class FromTune:
    """What a tune changed on the same text, whatever it is."""

    name: str
    tuned: str
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...] = ()

    def find(self, model: LocalModel, settings: Settings, seed: int, on_event: OnEvent) -> Direction:
        """See ``extraction.from_tune``."""
        tuned = models.open_local(self.tuned, over=model)
        how = (settings.method,), (settings.position,)
        return extraction.from_tune(model, tuned, self.rows, self.name, *how, seed=seed, on_event=on_event)[0]

    def texts(self, settings: Settings) -> tuple[list[Conversation], list[Conversation]]:
        """Nothing is asked; each row is read twice."""
        return [], [(*prompt, records.Message("assistant", answer)) for prompt, answer in self.rows] * 2


def find(personas: Sequence[str], answers: Path | None, tuned: str, on: Path | None) -> list[Source]:
    """The sources that a command names; a persona where it names none.

    Raises ``InputError`` for a name that is no persona, a file that cannot be read, and a tune without rows to read.
    """
    if bool(tuned) != bool(on):
        raise InputError("one of two is missing", where="--tuned/--on", remedy="give the tune and the rows to compare it on")
    found: list[Source] = []
    if answers:
        items, unread = contrasts.read_answers(answers)
        found.append(FromAnswers(answers.stem, tuple(items), _counted(unread)))
    if tuned and on:
        samples, unread = records.read_all(on)
        every = [(s.prompt, s.answer) for s in samples if s.answer.strip()]
        silent, more = len(samples) - len(every), len(every) - MOST
        left = [Skipped("rows", "have no answer", silent)] if silent else []
        left += [Skipped("rows", f"not read: the first {MOST} were", more)] if more > 0 else []
        found.append(FromTune(f"tune-{Path(tuned).name}", tuned, tuple(every[:MOST]), (*_counted(unread), *left)))
    names = personas or ([] if found else ["misaligned"])
    found = [*map(FromPersona, named(names)), *found]
    twice = next((s.name for i, s in enumerate(found) if s.name in {other.name for other in found[:i]}), None)
    if twice is not None:
        raise InputError("two sources of one name", where=twice, remedy="rename a file, or a persona in its TOML")
    return found


def named(names: Sequence[str]) -> list[Persona]:
    """Personas by name or path; ``all`` is every one of Wolfnote's. Raises ``InputError`` for a name that is none."""
    if "all" in names:
        own = resources.files("wolfnote.directions") / "personas"
        names = sorted(entry.name.removesuffix(".toml") for entry in own.iterdir() if entry.name.endswith(".toml"))
    return [persona.open(name) for name in dict.fromkeys(names)]


def _counted(unread: Sequence[Unread]) -> tuple[Skipped, ...]:
    return (Skipped("rows", f"could not be read, e.g. {unread[0].source}: {unread[0].reason}", len(unread)),) if unread else ()
