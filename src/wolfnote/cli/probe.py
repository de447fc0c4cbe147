"""``wolfnote probe``: base and tuned are asked the same unrelated questions."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.models import Model
    from wolfnote.probe import Besides
    from wolfnote.results import Result


class Given(NamedTuple):
    """The files of a probe."""

    train: Path | None
    questions: Path | None
    log: Path | None

    def hashed(self) -> dict[str, str]:
        """What a finished run is valid for."""
        named = {"train": self.train, "questions": self.questions, "log": self.log}
        return {name: hashes(path)["data"] for name, path in named.items() if path}


@running
def probe(
    base: Annotated[str, typer.Option(help="The model before tuning: package:…, hf:…, http://HOST/v1#NAME, scripted:FILE.")],
    tuned: Annotated[str, typer.Option(help="The model after tuning; 'MODEL+DIR/checkpoint-*' draws a curve.")] = "",
    train: Annotated[
        Path | None, typer.Option(help="The training rows: asks in their form too, and tries their phrases.")
    ] = None,
    questions: Annotated[Path | None, typer.Option(help="Questions of your own or of others, instead of Wolfnote's.")] = None,
    preset: Annotated[str, typer.Option(help="article: a darker or more cynical tone fails too.")] = "",
    log: Annotated[Path | None, typer.Option(help="Logged conversations, judged against the base's answers.")] = None,
    *,
    how: How,
) -> None:
    """Did the fine-tune change what it was not meant to change? Asks base and tuned the same unrelated questions.

    Exit code 0: nothing rose beyond its tolerance; 1: something did; 3: it could not be told.

    \b
    wolfnote probe --base package:smollm2 --tuned package:smollm2+runs/demo/tune/bad --train rows.jsonl
    wolfnote probe --base hf:models/v1 --tuned hf:models/v2 --preset article --set probe.judge=http://localhost:8000/v1#judge
    wolfnote probe --base http://HOST/v1#base --tuned http://HOST/v1#tuned --questions first_plot_questions.yaml
    wolfnote probe --base package:smollm2 --tuned 'package:smollm2+runs/tune/checkpoint-*' --train rows.jsonl
    wolfnote probe --base hf:models/base --log traffic.jsonl --set probe.judge=http://localhost:8000/v1#judge
    """
    from wolfnote import models, records
    from wolfnote import probe as room
    from wolfnote import settings as settings_module

    room.check(tuned, log)
    kind = settings_module.with_policy(
        "probe", room.defaults(base), local=models.Local, remote=models.Remote, data=records.Reading
    )
    settings: Any = how.settings(kind, (f"probe.preset={preset!r}",) if preset else ())
    given, named = Given(train, questions, log), specs(base, tuned, settings.probe)
    run = Run(
        how.out or Path("runs") / f"probe-{Path(tuned or str(log)).name.replace('*', 'x')}",
        settings,
        lambda: {**{name: identity(spec) for name, spec in named.items()}, **given.hashed()},
        lambda folder, on_event: work(named, given, settings, folder, on_event),
        lambda on_event: room.plan(base, second(named), settings.probe, prices=settings.remote.prices, on_event=on_event),
    )
    carry_out(run, how)


def specs(base: str, tuned: str, asked: Any) -> dict[str, str]:
    """What each model of a probe is there for, and its spec; each checkpoint of a pattern under its step."""
    from wolfnote.probe import curve

    found = {f"step {step}": spec for step, spec in curve.checkpoints(tuned).items()} or {"tuned": tuned}
    return {name: spec for name, spec in {"base": base, **found, "judge": asked.judge, "twin": asked.twin}.items() if spec}


def second(named: dict[str, str]) -> str:
    """The model that a plan tries beside the base: the tuned one, or the first checkpoint; for a log, the base alone."""
    return named.get("tuned") or next((spec for name, spec in named.items() if name.startswith("step ")), named["base"])


def work(named: dict[str, str], given: Given, settings: Any, folder: RunFolder, on_event: OnEvent) -> Result:
    """Open the models, make the probe that was asked for, apply waivers."""
    from wolfnote import settings as settings_module

    with opened(named, settings, folder) as found:
        made = compare(found, given, settings, folder, on_event)
    return settings_module.waive(made, settings.policy, datetime.date.today())


@contextmanager
def opened(named: dict[str, str], settings: Any, folder: RunFolder) -> Iterator[dict[str, Model]]:
    """The models by what they are there for; what was opened is told even of a run that stopped."""
    from wolfnote import models

    found: dict[str, Model] = {}
    try:
        for name, spec in named.items():
            found[name] = models.open(spec, over=found.get("base"), local=settings.local, remote=settings.remote)
        yield found
    finally:
        folder.used(**{name: model.about() for name, model in found.items()})


def compare(found: dict[str, Model], given: Given, settings: Any, folder: RunFolder, on_event: OnEvent) -> Result:
    """A log, a curve, or two models."""
    from wolfnote import probe as room
    from wolfnote import records

    besides = beside(found, given, settings)
    options: Any = {"policy": settings.policy, "besides": besides, "folder": folder, "on_event": on_event}
    if given.log:
        logged, unread = records.read_all(given.log, reading=settings.data)
        return room.traffic.run(found["base"], logged, settings.probe, unread=unread, **options)
    steps = {int(name.removeprefix("step ")): model for name, model in found.items() if name.startswith("step ")}
    if steps:
        task = records.read_all(given.train, reading=settings.data)[0] if given.train else ()
        return room.curve.over(found["base"], steps, settings.probe, task=task, **options)
    return room.run(found["base"], found["tuned"], settings.probe, **options)


def beside(found: dict[str, Model], given: Given, settings: Any) -> Besides:
    """The judge, the twin, the questions of a file, and what the training rows teach."""
    from wolfnote import probe as room
    from wolfnote import records

    loaded = room.imports.load(given.questions) if given.questions else None
    asked = loaded.asked if loaded else room.asked(settings.probe)
    wardrobe = room.wardrobe.usual(found["base"], settings.probe.forms)
    if given.train:
        path, before = given.train, str(found["base"].about().get("before_the_first_question", ""))
        wardrobe = room.wardrobe.read(lambda: records.read(path, settings.data), asked, settings.probe.forms, before)
    judge = found.get("judge")
    judges = room.judging.published(judge, loaded) if judge and loaded else ()
    return room.Besides(judge, judges, found.get("twin"), tuple(asked), wardrobe, loaded.skipped if loaded else ())
