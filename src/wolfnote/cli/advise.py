"""``wolfnote advise``: should I have fine-tuned at all?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from wolfnote.errors import InputError
from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.advise.advising import Alignment
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.models import Model
    from wolfnote.results import Result

Docs = Annotated[Path | None, typer.Option(help="Folder of text, Markdown, HTML and PDF files that answers may stand in.")]
Base = Annotated[str, typer.Option(help="The model before tuning: package:…, hf:…, http://HOST/v1#NAME, scripted:FILE.")]
Tuned = Annotated[str, typer.Option(help="The model after tuning; without one its arms are left out.")]
Goal = Annotated[str, typer.Option(help="What the model is for, in a sentence: the first line of the drafted prompt.")]
Prompt = Annotated[Path | None, typer.Option(help="An edited prompt, in place of the drafted one.")]
Brand = Annotated[Path | None, typer.Option(help="Samples of how answers should sound, a blank line between them.")]


class Given(NamedTuple):
    """The files of a run, and the goal."""

    tasks: Path
    docs: Path | None
    prompt: Path | None
    brand: Path | None
    goal: str

    def hashed(self) -> dict[str, str]:
        """What a finished run is valid for."""
        named = {"tasks": self.tasks, "docs": self.docs, "prompt": self.prompt, "brand": self.brand}
        return {**{name: hashes(path)["data"] for name, path in named.items() if path}, "goal": self.goal}


@running
def advise(
    tasks: Annotated[Path, typer.Argument(help='Your own tasks: {"id": …, "question": …, "answer": …} a line.')],
    docs: Docs = None,
    base: Base = "package:smollm2",
    tuned: Tuned = "",
    goal: Goal = "",
    prompt: Prompt = None,
    brand: Brand = None,
    *,
    how: How,
) -> None:
    """Should I have fine-tuned at all? Prompt, few-shot, retrieval and the tune, measured on your own tasks.

    Exit code 0: the tune is worth it (or, without one, an arm reaches advise.target); 1: it is not needed; 3: cannot be told.

    \b
    wolfnote advise tasks.jsonl --docs kb/ --goal "Answer customers of a shoe shop."
    wolfnote advise tasks.jsonl --docs kb/ --base hf:models/base --tuned hf:models/base+runs/tune/adapter
    wolfnote advise tasks.jsonl --base http://HOST/v1#base --tuned http://HOST/v1#tuned --set advise.judge=http://HOST/v1#big
    wolfnote advise tasks.jsonl --prompt runs/advise/prompt.txt --set advise.tolerance=0.02
    """
    from wolfnote import advise as room
    from wolfnote import models, probe
    from wolfnote import settings as settings_module

    kind = settings_module.with_policy(
        "advise", room.Settings, probe=probe.defaults(base), local=models.Local, remote=models.Remote
    )
    settings: Any = how.settings(kind)
    given = Given(tasks, docs, prompt, brand, goal)
    read, beside = material(given, settings)
    specs = {"base": base, "tuned": tuned, "judge": settings.advise.judge}
    run = Run(
        how.out or Path("runs") / f"advise-{tasks.stem}",
        settings,
        lambda: {**{name: identity(spec) for name, spec in specs.items() if spec}, **given.hashed()},
        lambda folder, on_event: work(specs, read, beside, settings, folder, on_event),
        lambda on_event: plan([base, *([tuned] if tuned else [])], read, beside, settings, on_event),
    )
    carry_out(run, how, last_lines=lambda result: [f"prompt: {run.folder / 'prompt.txt'}"])


def material(given: Given, settings: Any) -> tuple[Any, Any]:
    """The tasks, and what stands beside them: documents, samples, and the prompt, drafted or the user's own."""
    from wolfnote.advise import documents, drafting, task
    from wolfnote.advise.advising import Beside

    tasks = task.read(given.tasks, settings.advise)
    library = documents.read(given.docs, settings.advise.size) if given.docs else None
    samples = [part.strip() for part in _text(given.brand).split("\n\n") if part.strip()] if given.brand else []
    prompt = _text(given.prompt).strip() if given.prompt else drafting.draft(given.goal, tasks.examples, samples)
    return tasks, Beside(prompt, library, samples, prices=settings.remote.prices)


def work(specs: dict[str, str], tasks: Any, beside: Any, settings: Any, folder: RunFolder, on_event: OnEvent) -> Result:
    """Open the models, ask every arm; each is probed by ``wolfnote probe``'s own code where that is asked for."""
    from wolfnote import advise as room
    from wolfnote import models

    opened: dict[str, Model] = {}
    try:
        for name, spec in specs.items():
            if spec:
                opened[name] = models.open(
                    spec, over=opened.get("base"), local=settings.local, remote=settings.remote
                )  # fmt: skip
        if settings.advise.alignment:
            beside = beside._replace(alignment=_alignment(settings, folder, on_event))
        return room.run(room.Models(**opened), tasks, settings.advise, beside, folder=folder, on_event=on_event)
    finally:
        folder.used(**{name: model.about() for name, model in opened.items()})


def plan(specs: list[str], tasks: Any, beside: Any, settings: Any, on_event: OnEvent) -> Result:
    """What it would take."""
    from wolfnote import advise as room

    found = room.material(settings.advise, beside.prompt, tasks.examples, beside.library, None)
    return room.plan(specs, tasks, found, settings.advise, settings.remote.prices, on_event)


def _alignment(settings: Any, folder: RunFolder, on_event: OnEvent) -> Alignment:
    from wolfnote import probe

    def measure(base: Model, arm: Model, name: str) -> Result:
        tell: Any = lambda event: on_event(event._replace(step=f"probe of {name}: {event.step}"))  # noqa: E731 - one use
        names = ("base", name.replace(" + ", "+").replace(" ", ""))
        return probe.run(
            base, arm, settings.probe, policy=settings.policy, names=names, folder=folder, on_event=tell
        )  # fmt: skip

    return measure


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=str(path), remedy="give a text file in UTF-8") from None
