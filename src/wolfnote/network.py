"""Which hosts this process contacts, whichever library does it; and, offline, that it contacts none.

Python tells an audit hook (PEP 578) of each name that is resolved and each address that is connected to, before any packet
leaves. A hook cannot be taken out again and sees the whole process, so its one ``_Watch`` is the state of this module.

Not seen: sockets that native code opens by itself (of the libraries that Wolfnote loads: ``hf_xet``, which ``watch`` switches
off), other processes, and whatever lies behind a proxy, which is then the host that is named.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wolfnote.errors import InputError

VARIABLE = "WOLFNOTE_OFFLINE"

_QUIET = {
    # hf_xet downloads in Rust, past every hook of Python: it could neither be listed nor refused
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
_OFFLINE = {
    VARIABLE: "1",
    "HF_HUB_OFFLINE": "1",
    # a proxy on loopback would carry packets out unseen
    "NO_PROXY": "*",
    "no_proxy": "*",
}

_RESOLVED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_CONNECTED = ("socket.connect", "socket.sendto", "socket.sendmsg")


def watch(*, offline: bool = False) -> None:
    """Keep the list from now on; ``offline`` (or ``WOLFNOTE_OFFLINE=1``) refuses every host but this machine.

    Call it before the libraries load: they read their switches (no telemetry, no native downloads, the hub offline) when they
    are imported. A process that is offline stays so. Raises nothing; a refused contact raises ``InputError`` in the caller.
    """
    os.environ.update(_QUIET)
    if not _watch.where and (offline or is_offline()):
        _watch.where = "--offline" if offline else f"{VARIABLE}={os.environ[VARIABLE]}"
        os.environ.update(_OFFLINE)
    _watch.install()


def is_offline() -> bool:
    """Whether ``WOLFNOTE_OFFLINE`` is set, by the user or by ``watch(offline=True)``; empty and 0 mean no."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def hosts() -> list[str]:
    """The hosts beyond this machine that were contacted since ``watch``, sorted: names, or addresses nobody resolved."""
    return sorted(_watch.hosts)


def local() -> list[str]:
    """What was contacted on this machine's loopback, as ``address:port``, sorted."""
    return sorted(_watch.local)


@contextmanager
def told(on_new: Callable[[], None]) -> Iterator[None]:
    """Call ``on_new`` now, and again for each new entry of ``hosts`` or ``local`` before the contact is made.

    One call at a time, in whichever thread makes the contact.
    """
    _watch.tell(on_new)
    try:
        yield
    finally:
        _watch.listeners.remove(on_new)


class _Watch:
    """Everything heard so far. One lock: libraries connect from threads of their own."""

    def __init__(self) -> None:
        self.hosts: set[str] = set()
        self.local: set[str] = set()
        self.listeners: list[Callable[[], None]] = []
        self.where = ""
        self._installed = False
        self._lock = threading.RLock()
        self._looking_up = threading.local()
        self._unmatched: list[str] = []
        self._names: dict[str, str] = {}

    def install(self) -> None:
        """Add the hook to this process, once."""
        with self._lock:
            if not self._installed:
                self._installed = True
                sys.addaudithook(_hook)

    def tell(self, on_new: Callable[[], None]) -> None:
        """Keep a listener, and let it catch up."""
        with self._lock:
            on_new()
            self.listeners.append(on_new)

    def resolved(self, host: object) -> None:
        """A name is about to be asked for. An address in digits is only parsed, which contacts nobody."""
        name = _text(host)
        if not name or _is_here(name) or _address(name) or getattr(self._looking_up, "now", False):
            return
        self._refuse(name)
        with self._lock:
            if name not in self.hosts:
                self._unmatched.append(name)
                self._add(self.hosts, name)

    def connected(self, target: object) -> None:
        """A socket is about to talk to ``target``: (host, port, …); a path is a unix socket and stays on this machine."""
        if not isinstance(target, tuple) or not target or not (host := _text(target[0])):
            return
        if _is_here(host):
            with self._lock:
                self._add(self.local, f"{host}:{target[1]}")
            return
        self._refuse(host)
        with self._lock:
            self._add(self.hosts, self._name(host))

    def _refuse(self, host: str) -> None:
        if self.where:
            remedy = "run it once without, or name what lies on this machine"
            raise InputError(f"{host} was not contacted", where=self.where, remedy=remedy)

    def _add(self, known: set[str], entry: str) -> None:
        if entry not in known:
            known.add(entry)
            for on_new in tuple(self.listeners):
                on_new()

    def _name(self, host: str) -> str:
        """The name behind an address. The hook hears names before their answer, so each is looked up once more here."""
        if _address(host) is None or host in self._names:
            return self._names.get(host, host)
        import socket

        self._looking_up.now = True
        try:
            while self._unmatched:
                name = self._unmatched.pop()
                try:
                    found = socket.getaddrinfo(name, None)
                except OSError:
                    continue
                self._names.update({str(address[0]): name for *_, address in found})
        finally:
            self._looking_up.now = False
        return self._names.setdefault(host, host)


_watch = _Watch()


def _resolved(args: tuple[Any, ...]) -> None:
    _watch.resolved(args[0])


def _connected(args: tuple[Any, ...]) -> None:
    _watch.connected(args[1])


_HEARD: Mapping[str, Callable[[tuple[Any, ...]], None]] = {
    **dict.fromkeys(_RESOLVED, _resolved),
    **dict.fromkeys(_CONNECTED, _connected),
}


def _hook(event: str, args: tuple[Any, ...]) -> None:
    heard = _HEARD.get(event)  # of every file opened and every module imported, this is all the cost
    if heard is not None:
        heard(args)


def _text(host: object) -> str:
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    return text.rstrip(".").lower() if isinstance(text, str) else ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_here(host: str) -> bool:
    """Whether ``host`` is this machine: 127.0.0.0/8, ::1, the unspecified address, localhost, its own name."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost") or host == os.uname().nodename.lower()
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback or inner.is_unspecified)
