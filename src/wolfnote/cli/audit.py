"""``wolfnote audit``: is my training data an alignment hazard?"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.options import DATA, How, Model, running
from wolfnote.runs import Run, carry_out, hashes, identity

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

Against = Annotated[
    list[Path] | None, typer.Option(help="What the model will be evaluated on; rows that repeat it are flagged.")
]
Baseline = Annotated[Path | None, typer.Option(help="The folder of an earlier audit to compare with.")]


@running
def audit(
    data: Annotated[list[Path], typer.Argument(help=DATA)],
    model: Model = "package:smollm2",
    against: Against = None,
    baseline: Baseline = None,
    *,
    how: How,
) -> None:
    """Is my training data an alignment hazard? Every row is read cheaply, a random draw with an untouched local model.

    \b
    wolfnote audit tickets.jsonl
    wolfnote audit tickets.jsonl --against evaluation.jsonl --set policy.flagged_share=0.02
    wolfnote audit helpdesk.csv --set data.columns.body=user --set data.columns.agent_reply=assistant
    wolfnote audit sign runs/audit-tickets --as NAME
    """
    from wolfnote import audit as room
    from wolfnote import settings as settings_module

    settings = _settings(how, against or [], baseline)
    room.check(data, settings.audit, settings.data)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        folder.note(data=[str(path) for path in data])  # what is cleaned later
        found = room.run_files(
            data,
            settings.audit,
            lambda: _readers(model, settings, folder, on_event),
            folder=folder,
            reading=settings.data,
            policy=settings.policy,
            on_event=on_event,
        )
        return settings_module.waive(found, settings.policy, datetime.date.today())

    run = Run(
        how.out or Path("runs") / f"audit-{data[0].stem}",
        settings,
        lambda: {**hashes(*data, *map(Path, settings.audit.against)), "model": identity(model)},
        work,
        lambda on_event: room.plan_files(data, settings.audit, model, reading=settings.data, on_event=on_event),
    )
    carry_out(run, how)


def _settings(how: How, against: list[Path], baseline: Path | None) -> Any:
    """The tables of the command, with its own flags put in."""
    from wolfnote import audit as room
    from wolfnote import models, records
    from wolfnote import settings as settings_module

    kind = settings_module.with_policy("audit", room.Settings, data=records.Reading, local=models.Local)
    first = (f"audit.against={[*map(str, against)]}",) if against else ()
    return how.settings(kind, (*first, *((f"audit.baseline={str(baseline)!r}",) if baseline else ())))


def _readers(model: str, settings: Any, folder: RunFolder, on_event: OnEvent) -> list[Any]:
    """The readers of tier 2, fitted."""
    from wolfnote import models
    from wolfnote.audit.readers import advice

    opened = models.open_local(model, local=settings.local)
    folder.used(reader=opened.about())
    return [advice.reader(opened, on_event)]
