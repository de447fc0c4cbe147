"""The gateway's one TOML file. What may change under way: keys, deny, bounds (but drain), course, hold, shadow (but at_once).

The addresses, the store and the models make an experiment what it is: they take a restart, and a file that changes them is
refused while the gateway runs, as is one that cannot be read. The last good one then stays in force.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from wolfnote import settings as settings_module
from wolfnote.canary.keys import Key
from wolfnote.canary.settings import Course, Limits
from wolfnote.errors import SettingsError
from wolfnote.settings import Count, Share

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[stable]`` and ``[canary]``: an OpenAI-compatible server, and the model's name there."""

    url: str = ""
    """Up to and with /v1, such as http://127.0.0.1:8000/v1. One server with two models serves both arms."""
    model: str = ""
    key_env: str = ""
    """The environment variable that holds the key; the key itself is not for files."""
    headers: dict[str, str] = {}
    connect: Seconds = 5.0
    first: Seconds = 60.0
    """The canary's alone: seconds until the first content of a stream, then the base is asked."""
    idle: Seconds = 300.0
    """Seconds of silence after which an answer is over. An answer in one piece is silent until it is there."""


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[listen]``: where clients and, on a port of its own, administrators are heard. Loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: Port = 8100
    admin_host: str = "127.0.0.1"
    admin_port: Port = 8101
    model: str = ""
    """The name that clients use. Other names are refused; empty: whatever name they use."""


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[bounds]``: how much at once. What is beyond is refused (413, 503), never queued without end."""

    body: Count = 32 << 20
    """Bytes of a request."""
    bodies: Count = 512 << 20
    """Bytes of all requests in flight."""
    at_once: Count = 2048
    """Requests in flight."""
    reply: Count = 4 << 20
    """Bytes of a reply that are kept for judges; a longer one counts as unread."""
    stalled: Seconds = 300.0
    """Seconds without a byte either way after which a request is over."""
    drain: Seconds = 30.0
    """Seconds that requests in flight are given when the gateway is told to stop."""


class Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[shadow]``: asking the other model the same, off the request's path."""

    share: Share = 1.0
    """Of conversations that the canary answers (or, in the shadow stage, of all), those that the other arm answers too."""
    beside: Share = 0.0
    """Of conversations that the base answers while the canary answers others, those that the canary is asked too."""
    at_once: Count = 4
    queue: Count = 256
    timeout: Seconds = 120.0


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[hold]``: keep the canary's answer back until a judge has seen it; a flagged or unjudged one is the base's to give."""

    mode: Literal["off", "window", "whole"] = "off"
    tokens: Count = 64
    """Events of content that ``window`` holds; tool calls are always held to the end while this is not off."""
    wait: Seconds = 5.0
    """Seconds for the verdict."""


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[judging]``: who reads the answers. All judges must flag an answer before it counts as flagged."""

    judges: tuple[str, ...] = ("rules",)
    """``rules``; ``rubric`` (a model behind ``[judge]``); ``direction:FILE@MODEL``; or ``module:function``, one of your own."""
    workers: Count = 1
    """Processes for judges that compute."""
    at_once: Count = 4
    """Questions to a judge's server."""
    timeout: Seconds = 60.0
    flagged: Share = 0.5
    """Harm at or above which a judge flags."""


class Keeping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]``: what is kept, where, and for how long."""

    folder: str = "canary"
    postgres: str = ""
    """postgresql://…, for several gateways that share one experiment."""
    bodies: bool = True
    """Keep questions and answers of judged pairs, redacted, for people to look at."""
    days: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    log: Literal["none", "requests", "bodies"] = "requests"
    """A line of JSON a request on stderr; ``bodies`` puts redacted questions and answers into it."""


class Hook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[hooks]]``: who is told of transitions, by POST, signed with the key in ``secret_env``."""

    url: str
    secret_env: str = ""
    tries: Count = 6


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything."""

    preset: str = ""
    stable: Server = Server()
    canary: Server = Server(first=20.0, idle=120.0)
    judge: Server = Server()
    listen: Listen = Listen()
    bounds: Bounds = Bounds()
    limits: Limits = Limits()
    course: Course = Course()
    shadow: Shadow = Shadow()
    hold: Hold = Hold()
    judging: Judging = Judging()
    store: Keeping = Keeping()
    keys: tuple[Key, ...] = ()
    deny: tuple[str, ...] = ()
    """Tenants that the canary never answers."""
    sentinels: tuple[str, ...] = ()
    """Questions asked of a promoted model each hour, judged like any other."""
    hooks: tuple[Hook, ...] = ()


FIXED = ("stable", "canary", "judge", "judging", "listen", "store", "limits", "sentinels", "hooks")
"""What takes a restart."""


def load(file: Path | None, overrides: tuple[str, ...] = ()) -> Configuration:
    """The configuration in a file, with ``--set`` over it. Raises ``SettingsError`` naming key and remedy."""
    found = read(file, overrides)
    check(found)
    return found


def read(file: Path | None, overrides: tuple[str, ...] = ()) -> Configuration:
    """The same for whoever does not serve it: keys need not be at hand. Raises ``SettingsError`` for what is none."""
    from wolfnote.canary.settings import PRESETS

    found = settings_module.load(Configuration, file, overrides)
    if found.preset not in PRESETS:
        raise SettingsError(f"no preset {found.preset!r}", where="preset", remedy="known: " + ", ".join(filter(None, PRESETS)))
    if found.preset:
        found = settings_module.load(Configuration, file, (*PRESETS[found.preset], *overrides))
    return found


def check(found: Configuration) -> None:
    """Raise ``SettingsError`` for what cannot be served."""
    found.limits.check()
    found.course.check()
    for name in ("stable", "canary"):
        _check_server(name, getattr(found, name))
    if "rubric" in found.judging.judges:
        _check_server("judge", found.judge)
    if (found.stable.url, found.stable.model) == (found.canary.url, found.canary.model):
        raise SettingsError("stable and canary are the same model", where="canary.model", remedy="name the tuned one")
    for key in found.keys:
        if [other.hash for other in found.keys].count(key.hash) > 1:
            raise SettingsError("two keys with one hash", where="keys", remedy="give each its own")
    for hook in found.hooks:
        _check_url("hooks.url", hook.url)


def changed(old: Configuration, new: Configuration) -> list[str]:
    """The tables that differ and take a restart."""
    return [name for name in FIXED if getattr(old, name) != getattr(new, name)]


def secret(where: str, variable: str) -> str:
    """The value of an environment variable. Raises ``SettingsError`` when it is not set, or holds what no header may."""
    if not variable:
        return ""
    value = os.environ.get(variable, "")
    if not _NAME.fullmatch(variable) or not value or not value.isprintable():
        raise SettingsError(f"{variable} is not set, or not printable", where=where, remedy=f"export {variable}=…")
    return value


def _check_server(name: str, server: Server) -> None:
    _check_url(f"{name}.url", server.url)
    secret(f"{name}.key_env", server.key_env)
    for header, value in server.headers.items():
        if not _HEADER.fullmatch(header) or not value.isprintable():
            raise SettingsError(f"not a header: {header!r}", where=f"{name}.headers", remedy="letters, digits and dashes")


def _check_url(where: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        right = None
    if not right or parts.query or parts.fragment or not url.isprintable():
        raise SettingsError(f"not a server: {url!r}", where=where, remedy="write http://127.0.0.1:8000/v1")
