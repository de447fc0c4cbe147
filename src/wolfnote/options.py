"""The options that every command which makes a run shares, declared once.

``@running`` puts them into a command's signature, and hands them over as one ``how``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import typer

from wolfnote import network
from wolfnote import settings as settings_module

T = TypeVar("T", bound=msgspec.Struct)

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of this run. The same command goes on where it stopped.", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="Settings as TOML.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, key=value, as in the settings file. May be repeated.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the Result on stdout as JSON; all else goes to stderr.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would take (tokens, minutes, money, disk), then stop.")]
Offline = Annotated[bool, typer.Option("--offline", help="Contact no host but this machine; WOLFNOTE_OFFLINE=1 does the same.")]

DATA = "Training rows: JSONL, JSON, CSV, TSV, Parquet, text, or a folder. 'wolfnote convert --help' lists the shapes."
Model = Annotated[str, typer.Option(help="package:smollm2 or hf:PATH_OR_ID, +ADAPTER_FOLDER for a tuned one.")]


class How(NamedTuple):
    """How a run was asked for."""

    out: Path | None
    config: Path | None
    set_: tuple[str, ...]
    as_json: bool
    dry_run: bool

    def settings(self, kind: type[T], first: tuple[str, ...] = ()) -> T:
        """The settings struct from ``--config``, then ``first`` (a command's own flags), then ``--set``."""
        return settings_module.load(kind, self.config, (*first, *self.set_))


def running(command: Callable[..., None]) -> Callable[..., None]:
    """A command that makes a run. Its parameter ``how`` becomes the shared options; the hosts are watched from here on."""
    own = [p for name, p in inspect.signature(command, eval_str=True).parameters.items() if name != "how"]
    shared = inspect.signature(_how, eval_str=True).parameters

    @functools.wraps(command)
    def call(**given: Any) -> None:
        how = _how(**{name: given.pop(name) for name in shared})
        command(**given, how=how)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared.values())]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    return call


def _how(
    out: Out = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
    dry_run: DryRun = False,
    offline: Offline = False,
) -> How:
    network.watch(offline=offline)  # now, before any library loads
    return How(out, config, tuple(set_ or ()), as_json, dry_run)
