"""``wolfnote review``: people read the drawn rows, each under a link of their own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wolfnote.errors import MissingExtra
from wolfnote.runs import login

if TYPE_CHECKING:
    from wolfnote.audit.review import Review
    from wolfnote.web.access import Key

Names = Annotated[list[str] | None, typer.Option("--as", help="A reviewer's name; repeat it.", show_default="your account's")]
Port = Annotated[int, typer.Option(help="Port of the pages; the same one next time.", show_default="a free one")]
Host = Annotated[str, typer.Option(help="Address to listen on; beyond this machine, rows travel unencrypted.")]
Export = Annotated[Path | None, typer.Option(help="Write the labels: .jsonl, or .json for Label Studio.", show_default=False)]
Import = Annotated[Path | None, typer.Option("--import", help="Add the labels of such a file.", show_default=False)]

Calibrate = Annotated[
    Path | None,
    typer.Option(help="Write calibrations made from the review, for --set readers.calibration=FILE.", show_default=False),
]


def review(
    run: Annotated[Path, typer.Argument(help="The folder of an audit.")],
    names: Names = None,
    port: Port = 0,
    host: Host = "127.0.0.1",
    export: Export = None,
    import_: Import = None,
    calibrate: Calibrate = None,
) -> None:
    """Read the rows that an audit drew, by keyboard, and say what is wrong with them. Ctrl-C ends it; nothing is lost.

    Reviewers see neither each other's answers nor the detectors' until they have answered.

    \b
    wolfnote review runs/audit-tickets                   one link, under your account's name
    wolfnote review runs/audit-tickets --as ana --as ben
    wolfnote review runs/audit-tickets --export labels.jsonl
    wolfnote review runs/audit-tickets --calibrate readers.json
    """
    from wolfnote.audit.review import Review

    opened = Review(run)
    complete = _carry(opened, import_, export)
    if calibrate is not None:
        _calibrate(run, calibrate)
    elif export is None and import_ is None:
        _serve(opened, names or [login()], host, port)
    if not complete:
        raise typer.Exit(3)


def _calibrate(run: Path, target: Path) -> None:
    """What the readers' scores mean on these data, by what people settled; category by category, with its errors."""
    from wolfnote import terminal
    from wolfnote.audit.readers import calibration, review

    found = review.of_run(run)
    calibration.save(found, target)
    for c in found:
        caught, alarms = c.sensitivity, c.false_alarms
        terminal.note(
            f"{c.code} {c.category}: catches {caught.value:.0%} [{caught.low:.0%}, {caught.high:.0%}] of {caught.n} rows, "
            f"false alarms {alarms.value:.1%} [{alarms.low:.1%}, {alarms.high:.1%}] of {alarms.n}"
        )
    terminal.note(f"{len(found)} calibrations written to {target}; audit with --set readers.calibration={target}")


def _carry(review: Review, source: Path | None, target: Path | None) -> bool:
    """Labels in, then labels out; False when some could not be taken."""
    from wolfnote import terminal
    from wolfnote.audit import label_exchange

    complete = True
    if source is not None:
        brought = label_exchange.bring(review, source)
        for reason in brought.refused[:10]:
            terminal.note(reason)
        counts = f"{brought.kept} labels added, {brought.known} known already, {len(brought.refused)} could not be taken"
        terminal.note(f"{source}: {counts}")
        complete = not brought.refused
    if target is not None:
        terminal.note(f"{label_exchange.export(review, target)} labels written to {target}")
    return complete


def _serve(review: Review, names: list[str], host: str, port: int) -> None:
    try:
        from wolfnote.web import access, server, site
        from wolfnote.web.review import section
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "anyio", "h11"):
            raise
        raise MissingExtra(str(error.name), "web") from None
    from wolfnote import terminal

    people = [access.checked(name) for name in names]
    with server.alone(review.run) as mine:
        if not mine:  # its server takes every link that this run's key has sealed
            _links(people, access.key(review.run, 0), host, "already served; open")
            return
        with server.opened(review.run, host, port) as (listening, key), contextlib.suppress(KeyboardInterrupt):
            app = site.site(key, [section(review, key.cookie)], title=review.run.resolve().name)
            _links(people, key, host, f"{len(review.number)} rows to read; open")
            server.serve(app, listening)  # until Ctrl-C, which is how it is meant to end
    terminal.note(f"stopped; the labels are in {review.labels.path}, and the same command goes on from here")


def _links(people: list[str], key: Key, host: str, words: str) -> None:
    from wolfnote import terminal
    from wolfnote.web import server

    terminal.note(words)
    for person in people:
        terminal.note(f"  {person}: {server.link(key, person, host)}")
