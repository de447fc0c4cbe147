"""Push a model along directions, and take them out: for a while, or for good."""

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

app = typer.Typer()

Found = Annotated[list[Path], typer.Argument(help="Directions' files, or folders with one: several are taken out together.")]
From = Annotated[str, typer.Option(help="What it is taken out of: the base, or a tune of it.")]


@app.command()
@running
def steer(
    found: Annotated[Path, typer.Argument(help="A direction's file, or a folder with one.")],
    model: Annotated[str, typer.Option(help="The base in which it was found.")] = "package:smollm2",
    beside: Annotated[Path | None, typer.Option(help="A folder whose unrelated personas are compared, too.")] = None,
    *,
    how: How,
) -> None:
    """Does the direction do anything? Push the model along it both ways, take it out, and compare with what means nothing.

    First blocks and dose are chosen by what they do and cost. The direction is saved again with what was found.
    Exit code 0: driver or lever; 1: guardrail, taking it out makes the model worse; 3: it only goes along.

    \b
    wolfnote direction steer runs/directions/directions/misaligned.safetensors
    wolfnote direction steer careless.safetensors --beside runs/directions --set steer.family=near --set steer.controls=40
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, causes, forecast, load

    settings: Any = how.settings(settings_module.tables(steer=causes.Settings, local=models.Local))
    file = catalogue.only(found)
    others = catalogue.unrelated(beside, file)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        directions = [load(other) for other in others]
        return causes.run(opened, load(file), settings.steer, unrelated=directions, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / f"steer-{file.stem}",
        settings,
        lambda: {**hashes(file, *others), "model": identity(model)},
        work,
        lambda on_event: forecast.steering(
            model, settings.steer, unrelated=len(others), local=settings.local, on_event=on_event
        ),
    )
    carry_out(run, how)


@app.command()
@running
def ablate(
    found: Found,
    tuned: Annotated[str, typer.Option(help="The model that should get better.")],
    base: Annotated[str, typer.Option(help="The model before tuning, in which they were found.")] = "package:smollm2",
    twin: Annotated[str, typer.Option(help="A benign twin of the tune, to compare with, too.")] = "",
    *,
    how: How,
) -> None:
    """Take directions out while the model runs: does the tune get better, net of what the same does to its base, at what price?

    Exit code 0: it does, further than random directions, at the allowed price; 1: it gets worse, or dearer; 3: neither.

    \b
    wolfnote direction ablate misaligned.safetensors --tuned package:smollm2+runs/demo/tune/bad
    wolfnote direction ablate careless.safetensors answers.safetensors --tuned hf:base+adapter --base hf:base \\
        --set ablate.family=near
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, cure, forecast, load

    settings: Any = how.settings(settings_module.tables(ablate=cure.Settings, local=models.Local))
    files = [catalogue.only(path) for path in found]
    specs = {"base": base, **({"twin": twin} if twin else {}), "tuned": tuned}

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        first = models.open_local(base, local=settings.local)
        rest = {k: models.open_local(s, over=first, local=settings.local) for k, s in specs.items() if k != "base"}
        opened = {"base": first, **rest}
        folder.used(**{name: model.about() for name, model in opened.items()})
        return cure.run(opened, "tuned", [load(f) for f in files], settings.ablate, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / f"ablate-{Path(tuned).name}",
        settings,
        lambda: {**hashes(*files), **{name: identity(spec) for name, spec in specs.items()}},
        work,
        lambda on_event: forecast.ablating(list(specs.values()), settings.ablate, local=settings.local, on_event=on_event),
    )
    carry_out(run, how)


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
        lambda on_event: forecast.removing(model, getattr(settings, name), form, local=settings.local, on_event=on_event),
    )
    carry_out(run, how)
