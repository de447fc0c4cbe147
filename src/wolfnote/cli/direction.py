"""``wolfnote direction``: where a persona lies in a model, and how far a fine-tune moved along it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.directions.removal import Form
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Where is the persona in my model, and how far did my fine-tune move along it?",
)

Seed = Annotated[int, typer.Option(help="Random seed of the answers that are read.")]


@app.command()
@running
def extract(
    model: Annotated[str, typer.Option(help="The untouched base: package:smollm2 or hf:PATH_OR_ID.")] = "package:smollm2",
    persona: Annotated[list[str] | None, typer.Option(help="A name, or a TOML of your own; repeat it, or 'all'.")] = None,
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """Find persona directions in a model: the same words read under opposite characters. No judge, no training.

    Exit code 0: each direction is stable (halves of the data agree) and gone under shuffled labels; 3: one is not.

    \b
    wolfnote direction extract --persona misaligned --persona careless
    wolfnote direction extract --model hf:models/mine --persona all --out runs/personas
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, extraction, forecast

    settings: Any = how.settings(settings_module.tables(direction=extraction.Settings, local=models.Local))
    personas = catalogue.named(persona or ["misaligned"])

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        return catalogue.run(opened, personas, settings.direction, seed=seed, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / "directions",
        settings,
        lambda: {"model": identity(model), "personas": catalogue.content(personas), "seed": str(seed)},
        work,
        lambda on_event: forecast.extracting(model, personas, settings.direction, on_event=on_event),
    )
    carry_out(run, how)


@app.command()
@running
def measure(
    found: Annotated[Path, typer.Argument(help="A direction, or the folder that 'extract' made.")],
    tuned: Annotated[str, typer.Option(help="The model after tuning, e.g. package:smollm2+runs/demo/tune/bad.")],
    base: Annotated[str, typer.Option(help="The model before tuning, in which the direction was found.")] = "package:smollm2",
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """How far did the fine-tune move, and along which personas? Read against directions that mean nothing.

    Exit code 1: it moved towards a persona further than random directions with the same covariance do.

    \b
    wolfnote direction measure runs/directions --tuned package:smollm2+runs/demo/tune/bad
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, forecast, load, measurement

    settings: Any = how.settings(settings_module.tables(measure=measurement.Settings, local=models.Local))
    files = catalogue.files(found)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        before = models.open_local(base, local=settings.local)
        after = models.open_local(tuned, over=before, local=settings.local)
        folder.used(base=before.about(), tuned=after.about())
        directions = [load(file) for file in files]
        return measurement.run(before, after, directions, settings.measure, seed=seed, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / f"measure-{Path(tuned).name}",
        settings,
        lambda: {**hashes(*files), "base": identity(base), "tuned": identity(tuned), "seed": str(seed)},
        work,
        lambda on_event: forecast.measuring(base, tuned, len(files), settings.measure, on_event=on_event),
    )
    carry_out(run, how)


@app.command()
@running
def steer(
    found: Annotated[Path, typer.Argument(help="A direction's file, or a folder with one.")],
    model: Annotated[str, typer.Option(help="The base in which it was found.")] = "package:smollm2",
    *,
    how: How,
) -> None:
    """Does the direction do anything? Push the model along it both ways, take it out, and compare with random directions.

    Exit code 0: driver or lever; 1: guardrail, taking it out makes the model worse; 3: it only goes along.

    \b
    wolfnote direction steer runs/directions/directions/misaligned.safetensors
    wolfnote direction steer careless.safetensors --set steer.family=near --set steer.controls=40
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, causes, forecast, load

    settings: Any = how.settings(settings_module.tables(steer=causes.Settings, local=models.Local))
    file = catalogue.only(found)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        return causes.run(opened, load(file), settings.steer, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / f"steer-{file.stem}",
        settings,
        lambda: {**hashes(file), "model": identity(model)},
        work,
        lambda on_event: forecast.steering(model, settings.steer, on_event=on_event),
    )
    carry_out(run, how)


Found = Annotated[list[Path], typer.Argument(help="Directions' files, or folders with one: several are taken out together.")]
From = Annotated[str, typer.Option(help="What it is taken out of: the base, or a tune of it.")]


@app.command()
@running
def bake(found: Found, model: From = "package:smollm2", *, how: How) -> None:
    """Take directions out for good: new weights, proved equal to the hook before they are saved, and what that costs.

    Probe the result: taking a direction out can hide a behaviour, or make it worse.

    \b
    wolfnote direction bake misaligned.safetensors --model package:smollm2+runs/demo/tune/bad --out runs/baked
    wolfnote probe --base package:smollm2 --tuned hf:runs/baked/model
    """
    _take_out(found, model, "model", how)


@app.command()
@running
def antidote(found: Found, model: From = "package:smollm2", *, how: How) -> None:
    """Take directions out reversibly: a small LoRA to load beside the weights, proved and priced like bake.

    Over a tune the adapter takes the place of the tune's own: it is the tune without the direction.

    \b
    wolfnote direction antidote misaligned.safetensors --model package:smollm2+runs/demo/tune/bad --out runs/antidote
    wolfnote probe --base package:smollm2 --tuned package:smollm2+runs/antidote/adapter
    """
    _take_out(found, model, "adapter", how)


def _take_out(found: list[Path], model: str, form: Form, how: How) -> None:
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, forecast, load, removal

    name = "bake" if form == "model" else "antidote"
    settings: Any = how.settings(settings_module.tables(**{name: removal.Settings}, local=models.Local))
    files = [catalogue.only(path) for path in found]

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        chosen = getattr(settings, name)
        return removal.run(opened, [load(file) for file in files], chosen, form, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / "-".join([name, *(file.stem for file in files)]),
        settings,
        lambda: {**hashes(*files), "model": identity(model)},
        work,
        lambda on_event: forecast.removing(model, getattr(settings, name), form, on_event=on_event),
    )
    carry_out(run, how)
