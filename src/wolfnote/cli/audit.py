"""``wolfnote audit``: is my training data an alignment hazard?"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.options import DATA, How, running
from wolfnote.runs import Run, carry_out, hashes, identity, login

if TYPE_CHECKING:
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

Reader = Annotated[
    str, typer.Option("--model", help="Who reads the draw: package:smollm2, hf:PATH_OR_ID, or http://HOST/v1#NAME as a judge.")
]
Against = Annotated[
    list[Path] | None, typer.Option(help="What the model will be evaluated on; rows that repeat it are flagged.")
]
Preset = Annotated[
    str, typer.Option(help="article: any flag, 25 of 500 rows fail. strict: near zero for harm, deceit, insecure code.")
]
Profile = Annotated[str, typer.Option(help="What kind of data: support-tickets, code, marketing or agency.")]
Baseline = Annotated[Path | None, typer.Option(help="The folder of an earlier audit to compare with.")]


@running
def audit(
    data: Annotated[list[Path], typer.Argument(help=DATA)],
    model: Reader = "package:smollm2",
    against: Against = None,
    baseline: Baseline = None,
    preset: Preset = "",
    profile: Profile = "",
    *,
    how: How,
) -> None:
    """Is my training data an alignment hazard? Every row is read cheaply, a random draw with an untouched local model.

    \b
    wolfnote audit tickets.jsonl
    wolfnote audit tickets.jsonl --preset article --set audit.review=none
    wolfnote audit tickets.jsonl --profile support-tickets --against evaluation.jsonl
    wolfnote audit helpdesk.csv --set data.columns.body=user --set data.columns.agent_reply=assistant
    wolfnote audit tickets.jsonl --set audit.judge=http://localhost:8000/v1#qwen3-32b
    wolfnote audit sign runs/audit-tickets --as NAME
    """
    from wolfnote import audit as room
    from wolfnote.audit import ledger
    from wolfnote.audit.deciding import Rules
    from wolfnote.audit.readers import calibration

    given = {"audit.against": [*map(str, against or [])], "audit.baseline": str(baseline or "")}
    settings = _settings(how, given | {"gate.preset": preset, "gate.profile": profile})
    settings.gate.check()
    if settings.readers.calibration:
        calibration.load(Path(settings.readers.calibration))
    room.check(data, settings.audit, settings.data)
    _checked(model)

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        folder.note(data=[str(path) for path in data])  # what is cleaned later
        with _judge(model, settings, folder) as server:
            found = room.run_files(
                data,
                settings.audit,
                lambda: _readers(model, server, settings, folder, on_event),
                folder=folder,
                reading=settings.data,
                rules=Rules(settings.gate, settings.policy, settings.audit.baseline, datetime.date.today()),
                on_event=on_event,
            )
        ledger.append(folder.path, "audit", login(), verdict=found.verdict.value, run=folder.run_id)
        return found

    run = Run(
        how.out or Path("runs") / f"audit-{data[0].stem}",
        settings,
        lambda: {**hashes(*data, *map(Path, settings.audit.against)), "model": identity(model), **_rules(settings)},
        work,
        lambda on_event: room.plan_files(
            data, settings.audit, model, reading=settings.data, prices=settings.remote.prices, on_event=on_event
        ),
    )
    carry_out(run, how, last_lines=lambda _: [] if settings.audit.review == "none" else _next(run.folder))


def _checked(model: str) -> None:
    """Raise ``InputError`` for a model that can neither be read with nor be asked, before every row is read in vain."""
    from wolfnote import models
    from wolfnote.models import endpoint

    if endpoint.is_remote(model):
        endpoint.parse(model)
    else:
        models.path_of(model.partition("+")[0])


def _rules(settings: Any) -> dict[str, str]:
    """What else a finished audit is valid for: an earlier one's findings, a calibration, and the waivers in force today."""
    from wolfnote.folder import content_hash

    judge = {"judge": identity(settings.audit.judge)} if settings.audit.judge else {}
    used = {"baseline": Path(settings.audit.baseline) / "result.json" if settings.audit.baseline else None}
    used["calibration"] = Path(settings.readers.calibration) if settings.readers.calibration else None
    today, policy = datetime.date.today(), settings.policy
    waived = [w.code for w in policy.waivers if policy.waived(w.code, today)]
    hashed = {name: content_hash(path) for name, path in used.items() if path}
    return judge | hashed | ({"waived": " ".join(waived)} if waived else {})


def _next(run: Path) -> list[str]:
    """What is to be done with a finished audit, unless people have begun."""
    from wolfnote.audit import people

    return [] if people.review(run).begun else [f"not read by people yet: wolfnote review {run}"]


def _settings(how: How, given: dict[str, Any]) -> Any:
    """The tables of the command, with its own flags put in."""
    from wolfnote import audit as room
    from wolfnote import models, records
    from wolfnote import settings as settings_module
    from wolfnote.audit import gate, readers

    kind = settings_module.with_policy(
        "audit",
        room.Settings,
        gate=gate.Settings,
        readers=readers.Settings,
        data=records.Reading,
        local=models.Local,
        remote=models.Remote,
    )
    return how.settings(kind, tuple(f"{key}={json.dumps(value)}" for key, value in given.items() if value))


@contextmanager
def _judge(model: str, settings: Any, folder: RunFolder) -> Iterator[Any]:
    """The server that judges, if one was named; what it was asked goes into ``run.json``, whatever happens."""
    from wolfnote import models
    from wolfnote.models import endpoint

    spec = settings.audit.judge or (model if endpoint.is_remote(model) else "")
    server = models.open(spec, remote=settings.remote) if spec else None
    try:
        yield server
    finally:
        if server:
            folder.used(judge=server.about())


def _readers(model: str, server: Any, settings: Any, folder: RunFolder, on_event: OnEvent) -> Sequence[Any]:
    """The readers of tier 2, fitted: of a local model, unless a server alone is to read, and of the server."""
    from wolfnote import models
    from wolfnote.audit import readers
    from wolfnote.models import endpoint

    opened = None if endpoint.is_remote(model) else models.open_local(model, local=settings.local)
    if opened:
        folder.used(reader=opened.about())
    return readers.readers(opened, settings.readers, server, folder=folder, on_event=on_event)
