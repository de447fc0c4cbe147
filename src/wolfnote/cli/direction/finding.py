"""Find directions, and read models and data along them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

app = typer.Typer()

Seed = Annotated[int, typer.Option(min=0, help="Random seed of the answers that are read.")]


@app.command()
@running
def extract(
    model: Annotated[str, typer.Option(help="The untouched base: package:smollm2 or hf:PATH_OR_ID.")] = "package:smollm2",
    persona: Annotated[list[str] | None, typer.Option(help="A name, or a TOML of your own; repeat it, or 'all'.")] = None,
    answers: Annotated[Path | None, typer.Option(help='JSONL of {"question", "good", "bad"}.')] = None,
    tuned: Annotated[str, typer.Option(help="A tune of the model: what it changed on the rows of --on.")] = "",
    on: Annotated[Path | None, typer.Option("--on", help="Rows that base and tuned both read, with --tuned.")] = None,
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """Find directions in a model: from personas, from good and bad answers, or from what a tune changed. No judge, no training.

    Exit code 0: each direction is stable (halves of the data agree) and gone under shuffled labels; 3: one is not.

    \b
    wolfnote direction extract --persona misaligned --persona careless
    wolfnote direction extract --model hf:models/mine --persona all --out runs/personas
    wolfnote direction extract --answers pairs.jsonl
    wolfnote direction extract --tuned package:smollm2+runs/tune/adapter --on rows.jsonl
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, extraction, forecast, sources

    settings: Any = how.settings(settings_module.tables(direction=extraction.Settings, local=models.Local))
    found = sources.find(persona or (), answers, tuned, on)
    inputs = {"sources": catalogue.content(found)}

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        return catalogue.run(opened, found, settings.direction, seed=seed, folder=folder, on_event=on_event)

    run = Run(
        how.out or Path("runs") / "directions",
        settings,
        lambda: {**inputs, "model": identity(model), "tuned": tuned and identity(tuned), "seed": str(seed)},
        work,
        lambda on_event: forecast.extracting(model, found, settings.direction, local=settings.local, on_event=on_event),
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
        lambda on_event: forecast.measuring(base, tuned, len(files), settings.measure, local=settings.local, on_event=on_event),
    )
    carry_out(run, how)


@app.command()
@running
def screen(
    data: Annotated[Path, typer.Argument(help="Training rows, in any shape that wolfnote convert knows.")],
    found: Annotated[Path, typer.Option("--direction", help="A direction, or the folder that 'extract' made.")],
    model: Annotated[str, typer.Option(help="The untouched base in which it was found.")] = "package:smollm2",
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """Which way would this data pull the model? Its answers against the base's own, row by row and as a whole.

    Exit code 1: the answers lie further towards a persona than random directions with the same covariance explain. The page
    lists the rows of the draw that pull hardest.

    \b
    wolfnote direction screen rows.jsonl --direction runs/directions
    wolfnote direction screen rows.jsonl --direction runs/directions --set screen.generate=false
    """
    from wolfnote import models, records
    from wolfnote import settings as settings_module
    from wolfnote.directions import catalogue, forecast, load, pull

    settings: Any = how.settings(settings_module.tables(screen=pull.Settings, data=records.Reading, local=models.Local))
    files = catalogue.files(found)
    samples, unread = records.read_all(data, reading=settings.data)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        opened = models.open_local(model, local=settings.local)
        folder.used(model=opened.about())
        directions = [load(file) for file in files]
        return pull.run(
            opened, samples, directions, settings.screen, seed=seed, unread=unread, folder=folder, on_event=on_event
        )

    run = Run(
        how.out or Path("runs") / f"screen-{data.stem}",
        settings,
        lambda: {**hashes(data, *files), "model": identity(model), "seed": str(seed)},
        work,
        lambda on_event: forecast.screening(
            model, pull.drawn(samples, settings.screen, seed), settings.screen, local=settings.local, on_event=on_event
        ),
    )
    carry_out(run, how)


@app.command()
@running
def monitor(
    found: Annotated[Path, typer.Argument(help="A direction's file, or a folder with one.")],
    tuned: Annotated[str, typer.Option(help="The model after tuning, e.g. package:smollm2+runs/demo/tune/bad.")],
    base: Annotated[str, typer.Option(help="The model before tuning, in which the direction was found.")] = "package:smollm2",
    prompts: Annotated[Path | None, typer.Option(help="Rows whose prompts are asked; default: unrelated questions.")] = None,
    seed: Seed = 0,
    *,
    how: How,
) -> None:
    """Listen while base and tuned answer: where in which answer does the persona speak, token by token?

    Exit code 1: more of the tuned model's answers than allowed are louder than the base's own on the same prompts.

    \b
    wolfnote direction monitor careless.safetensors --tuned package:smollm2+runs/demo/tune/bad
    """
    from wolfnote import models
    from wolfnote import settings as settings_module
    from wolfnote.cli.direction import prompting
    from wolfnote.directions import catalogue, forecast, load, watch

    settings: Any = how.settings(settings_module.tables(monitor=watch.Settings, local=models.Local))
    file = catalogue.only(found)
    asked, skipped = prompting.prompts(prompts)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        before = models.open_local(base, local=settings.local)
        after = models.open_local(tuned, over=before, local=settings.local)
        folder.used(base=before.about(), tuned=after.about())
        how_far: Any = {"seed": seed, "skipped": skipped, "folder": folder, "on_event": on_event}
        return watch.run(before, after, load(file), asked, settings.monitor, **how_far)

    run = Run(
        how.out or Path("runs") / f"monitor-{Path(tuned).name}",
        settings,
        lambda: {**hashes(file, *filter(None, [prompts])), "base": identity(base), "tuned": identity(tuned), "seed": str(seed)},
        work,
        lambda on_event: forecast.listening(base, tuned, asked, settings.monitor, local=settings.local, on_event=on_event),
    )
    carry_out(run, how)
