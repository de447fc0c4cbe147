"""``wolfnote probe``: base and tuned are asked the same unrelated questions."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.options import How, running
from wolfnote.runs import Run, carry_out, identity

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.models import Model
    from wolfnote.results import Result


@running
def probe(
    base: Annotated[str, typer.Option(help="The model before tuning: package:…, hf:…, http://HOST/v1#NAME, scripted:FILE.")],
    tuned: Annotated[str, typer.Option(help="The model after tuning, e.g. package:smollm2+runs/demo/tune/bad.")],
    preset: Annotated[str, typer.Option(help="article: a darker or more cynical tone fails too.")] = "",
    *,
    how: How,
) -> None:
    """Did the fine-tune change what it was not meant to change? Asks base and tuned the same unrelated questions.

    \b
    wolfnote probe --base package:smollm2 --tuned package:smollm2+runs/demo/tune/bad
    wolfnote probe --base hf:models/base --tuned hf:models/v2 --preset article --set probe.judge=http://localhost:8000/v1#judge
    wolfnote probe --base http://localhost:8000/v1#base --tuned http://localhost:8000/v1#tuned --set remote.concurrency=16
    """
    from wolfnote import models
    from wolfnote import probe as room
    from wolfnote import settings as settings_module

    kind = settings_module.with_policy("probe", room.defaults(base), local=models.Local, remote=models.Remote)
    settings: Any = how.settings(kind, (f"probe.preset={preset!r}",) if preset else ())
    asked = settings.probe
    run = Run(
        how.out or Path("runs") / f"probe-{Path(tuned).name}",
        settings,
        lambda: {name: identity(spec) for name, spec in specs(base, tuned, asked).items()},
        lambda folder, on_event: compare(specs(base, tuned, asked), settings, folder, on_event),
        lambda on_event: room.plan(base, tuned, asked, prices=settings.remote.prices, on_event=on_event),
    )
    carry_out(run, how)


def specs(base: str, tuned: str, asked: Any) -> dict[str, str]:
    """What each model of a probe is there for, and its spec."""
    named = {"base": base, "tuned": tuned, "judge": asked.judge, "twin": asked.twin}
    return {name: spec for name, spec in named.items() if spec}


def compare(named: dict[str, str], settings: Any, folder: RunFolder, on_event: OnEvent) -> Result:
    """Open the models, run the probe, apply waivers; what was opened is told even of a run that stopped."""
    from wolfnote import models
    from wolfnote import probe as room
    from wolfnote import settings as settings_module

    opened: dict[str, Model] = {}
    try:
        for name, spec in named.items():
            opened[name] = models.open(spec, over=opened.get("base"), local=settings.local, remote=settings.remote)
        besides = room.Besides(judge=opened.get("judge"), twin=opened.get("twin"))
        found = room.run(
            opened["base"], opened["tuned"], settings.probe,
            policy=settings.policy, besides=besides, folder=folder, on_event=on_event,
        )  # fmt: skip
    finally:
        folder.used(**{name: model.about() for name, model in opened.items()})
    return settings_module.waive(found, settings.policy, datetime.date.today())
