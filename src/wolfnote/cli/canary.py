"""``wolfnote canary``: serve the tuned model on a leash, and say what becomes of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wolfnote.errors import InputError, MissingExtra, RunError
from wolfnote.options import Config, How, Json, Set, running
from wolfnote.runs import Run, carry_out, login

if TYPE_CHECKING:
    from wolfnote.canary.configuration import Configuration
    from wolfnote.events import OnEvent
    from wolfnote.folder import RunFolder
    from wolfnote.results import Result

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep the base running, give the tuned model a few percent, watch every answer, fall back by itself.",
    epilog="Start with: wolfnote canary serve --config canary.toml   (docs/canary.md has one to copy)",
)
As = Annotated[str, typer.Option("--as", help="Your name, as it goes into the log.", show_default="your account's")]
Why = Annotated[str, typer.Option(help="Why, for whoever reads the log.", show_default=False)]
EXTRA = ("aiohttp", "uvicorn", "starlette", "prometheus_client", "httptools", "yarl", "asyncpg", "anyio")


@app.command()
def serve(config: Config = None, set_: Set = None) -> None:
    """Serve both models behind one OpenAI-compatible address. SIGTERM or Ctrl-C drains it; a changed file is read again.

    \b
    wolfnote canary serve --config canary.toml
    wolfnote canary serve --set stable.url=http://127.0.0.1:8000/v1 --set stable.model=base \\
        --set canary.url=http://127.0.0.1:8000/v1 --set canary.model=tuned
    """
    from wolfnote import terminal

    settings = _settings(config, set_)
    from wolfnote.canary import running as room

    pages, link = _dashboard(settings)

    def ready(front: str, back: str) -> None:
        terminal.note(f"clients:   {front}/v1")
        terminal.note(f"dashboard: {back}{link}")

    room.serve(settings, config, tuple(set_ or ()), pages=pages, ready=ready)
    terminal.note("drained; the same command goes on from here")


@app.command()
def status(config: Config = None, set_: Set = None, as_json: Json = False) -> None:
    """Where the experiment stands: its stage, the share, the evidence against its threshold. Exit code 1: rolled back."""
    import msgspec

    from wolfnote import terminal

    settings = _settings(config, set_)
    from wolfnote.canary import control

    found = control.ask(settings, "/api/status")
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    state = found["state"]
    terminal.note(f"{state['stage']} · share {found['exposed']['share']:.1%} · {found['exposed']['why_none'] or 'as decided'}")
    terminal.note(f"{found['evidence']['why']}")
    terminal.note(f"decided by {state['who']}: {state['why']}")
    raise typer.Exit(1 if state["stage"] == "ROLLED BACK" else 0)


@app.command()
def kill(
    why: Why = "",
    for_good: Annotated[bool, typer.Option("--for-good", help="Roll back: there is no way to resume.")] = False,
    as_: As = "",
    config: Config = None,
    set_: Set = None,
) -> None:
    """Nobody is answered by the canary from now on (HOLD), on every replica within 2 seconds. Works without a gateway, too.

    \b
    wolfnote canary kill --why "a customer complained" --config canary.toml
    """
    _order("rollback" if for_good else "kill", why, as_, config, set_)


@app.command()
def resume(why: Why = "", as_: As = "", config: Config = None, set_: Set = None) -> None:
    """Go on from a HOLD. What was beyond its tolerance is accepted in your name, up to what was seen."""
    _order("resume", why, as_, config, set_)


@app.command()
def promote(why: Why = "", as_: As = "", config: Config = None, set_: Set = None) -> None:
    """One step up: from shadow to the first share, to the next, at last to everybody. Refused without enough clean evidence."""
    _order("promote", why, as_, config, set_)


@app.command()
def key(name: Annotated[str, typer.Argument(help="Whose key it is.")]) -> None:
    """Make an API key. It is shown once; the file gets its hash."""
    from wolfnote import terminal
    from wolfnote.canary import keys

    made, hashed = keys.new()
    sys.stdout.write(made + "\n")
    terminal.note(f'put this into the configuration:\n\n[[keys]]\nname = "{name}"\nhash = "{hashed}"\ntenant = "{name}"')


@app.command()
@running
def replay(
    store: Annotated[str, typer.Argument(help="The store's folder, its file, or postgresql://…")],
    experiment: Annotated[str, typer.Option(help="Which one.", show_default="the newest")] = "",
    *,
    how: How,
) -> None:
    """Compute the evidence again from the log, entry by entry, and compare it with what the gateway counted, bit for bit.

    Exit code 0: enough clean evidence; 1: rolled back; 3: too little yet, or the log does not hold.

    \b
    wolfnote canary replay canary/
    wolfnote canary replay canary/ --out runs/canary
    """
    from wolfnote import settings as settings_module
    from wolfnote.canary import reading

    found = asyncio.run(_wanted(reading.read(store, experiment)))
    settings: Any = how.settings(settings_module.tables())

    def work(folder: RunFolder, on_event: OnEvent) -> Result:
        return reading.tell(found, folder)

    out = how.out or Path("runs") / f"canary-{found.experiment}-{found.live.head.number}"
    carry_out(Run(out, settings, lambda: {"log": found.live.head.hash}, work, lambda _: reading.plan(found)), how)


def _order(what: str, why: str, as_: str, config: Path | None, set_: list[str] | None) -> None:
    """Have it decided: by the gateway, or where none runs, in the store."""
    from wolfnote import terminal

    settings = _settings(config, set_)
    from wolfnote.canary import control
    from wolfnote.canary.admin import Order

    who = as_ or login()
    try:
        number = control.ask(settings, "/api/status")["state"]["number"]
        state = control.ask(settings, f"/api/{what}", Order(who, why, number))
        stage, share = state["stage"], state["share"]
    except RunError as error:
        if not isinstance(error, control.Unserved) and what not in ("kill", "rollback"):
            raise  # a kill goes to the store whatever the gateway does, or does not
        control.exists(settings)
        decided = asyncio.run(_wanted(control.act(settings, what, Order(who, why))))
        stage, share = decided.stage, decided.share
    terminal.note(f"{stage} · share {share:.1%} · by {who}")


async def _wanted(work: Any) -> Any:
    return await work


def _settings(config: Path | None, set_: list[str] | None) -> Configuration:
    """The configuration; what it needs to be read is in the extra ``canary``."""
    try:
        from wolfnote.canary import configuration
        from wolfnote.canary import running as _  # noqa: F401 - its imports are what may be missing
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        raise MissingExtra(str(error.name), "canary") from None
    if config is None and not set_:
        raise InputError(
            "which gateway?", where="--config", remedy="write --config canary.toml; docs/canary.md has one to copy"
        )
    return configuration.load(config, tuple(set_ or ()))


def _dashboard(settings: Configuration) -> tuple[Any, str]:
    """The pages for the admin port, and the link that lets the person who started it in."""
    from wolfnote.web import access, site
    from wolfnote.web.canary import section

    folder = Path(settings.store.folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    door = access.key(folder, settings.listen.admin_port)
    return (lambda service: site.site(door, [section(service)], title="canary")), f"/?token={door.token(login())}"
