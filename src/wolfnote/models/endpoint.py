"""Where a remote model lives, ``http://host[:port]/v1#name``, and how it is asked: ``[remote]``. Needs no network."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from typing import Annotated, ClassVar, NamedTuple
from urllib.parse import urlsplit

import msgspec

from wolfnote.errors import InputError
from wolfnote.forecast import Prices
from wolfnote.settings import Count

FORM = "write http://HOST:PORT/v1#NAME, or https://…; NAME is one that HOST/v1/models lists"
SCHEMES = ("http", "https")
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Price = Annotated[float, msgspec.Meta(ge=0)]
# a key pasted here by mistake would be written into settings.toml; hardly any is made of letters and _ alone
Variable = Annotated[str, msgspec.Meta(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How servers are asked. The key itself is never a setting: only the name of the variable that holds it."""

    how_only: ClassVar[bool] = True
    """None of this changes an answer: a run goes on with other values."""

    concurrency: Count = 8
    """Requests in flight at once."""
    connect_timeout: Seconds = 10.0
    """Seconds until a connection must stand."""
    read_timeout: Seconds = 300.0
    """Seconds that a server may stay silent; without streaming it is silent until the whole answer is there."""
    attempts: Count = 8
    """How often one question is asked before the run stops."""
    backoff: Seconds = 0.5
    """Seconds before the second attempt; doubled each time up to 30, with jitter. A server's Retry-After comes first."""
    price_in: Price = 0.0
    """Money for a million prompt tokens; 0 = not known."""
    price_out: Price = 0.0
    """Money for a million completion tokens; 0 = not known."""
    key_variable: Variable = "OPENAI_API_KEY"
    """The environment variable with the key. Unset or empty: no key is sent."""

    @property
    def prices(self) -> Prices | None:
        """Both prices, or None where neither is set."""
        return Prices(self.price_in, self.price_out) if self.price_in or self.price_out else None


class Endpoint(NamedTuple):
    """An address and a model name on it."""

    url: str
    """Without a slash at the end, such as ``https://api.openai.com/v1``."""
    name: str

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 over address and name: the weights behind them cannot be seen."""
        return hashlib.sha256(f"{self.url}#{self.name}".encode()).hexdigest()[:16]

    @property
    def host(self) -> str:
        """Host, and port where one was written."""
        return urlsplit(self.url).netloc

    @property
    def root(self) -> str:
        """The address without its path's last part: servers keep what is not OpenAI's beside ``/v1``, not under it."""
        return self.url.removesuffix("/v1")

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost" or name.endswith(".localhost")


def is_remote(spec: str) -> bool:
    """Whether a model spec names a server."""
    return spec.partition("://")[0].lower() in SCHEMES


def parse(spec: str) -> Endpoint:
    """The endpoint behind a spec. Raises ``InputError`` when a part is missing, or when the address holds a secret."""
    address, _, name = spec.partition("#")
    try:
        parts = urlsplit(address)
        host, port, secret = (parts.hostname or ""), parts.port, parts.username or parts.password or parts.query
    except ValueError:
        raise InputError("not an address", where=_shown(address), remedy=FORM) from None
    if secret:
        remedy = "take it out; the key goes into the environment variable that remote.key_variable names"
        raise InputError("the address holds a user, a password or a query", where=_shown(address), remedy=remedy)
    if not host or any(c.isspace() for c in address):
        raise InputError("not an address", where=_shown(address), remedy=FORM)
    if not name:
        raise InputError("no model name behind the address", where=address, remedy=FORM)
    host = f"[{host}]" if ":" in host else host
    return Endpoint(f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}", name)


def key(settings: Remote, *, where: str) -> str:
    """The key from the environment, or ``""``. Raises ``InputError``, without showing it, when no header can carry it."""
    found = os.environ.get(settings.key_variable, "").strip()
    if not all("!" <= c <= "~" for c in found):
        message = f"the key in {settings.key_variable} holds a space, a line break or a letter that no header can carry"
        raise InputError(message, where=where, remedy=f"export {settings.key_variable} again")
    return found


def _shown(address: str) -> str:
    """The address without what may be a secret."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
