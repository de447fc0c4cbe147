"""Who may ask: API keys, of which only the hash is kept, each with a tenant and a limit.

A key is 256 random bits, so that one pass of BLAKE2b is enough: there is nothing to guess. Limits are of this process; behind
N replicas a key gets up to N times as much.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from wolfnote.canary.asking import Refused

PREFIX = "wn-"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key: its hash, as ``wolfnote canary key NAME`` prints it; ``tenant`` keeps one customer's conversations apart."""

    name: str
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    tenant: str = ""
    per_minute: Annotated[int, msgspec.Meta(ge=1)] = 6_000
    at_once: Annotated[int, msgspec.Meta(ge=1)] = 256


NOBODY = Key("", "0" * 64, per_minute=1 << 40, at_once=1 << 40)
"""Whoever asks while no key is wanted."""


def new() -> tuple[str, str]:
    """A key and its hash. The key is shown once and kept nowhere."""
    made = PREFIX + secrets.token_urlsafe(32)
    return made, hashed(made.encode())


def hashed(key: bytes) -> str:
    """What is kept of a key."""
    return hashlib.blake2b(key, digest_size=32).hexdigest()


class Ring:
    """The keys in force. ``enter`` takes a place, ``leave`` gives it back."""

    def __init__(self, keys: Sequence[Key], clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = {key.hash: key for key in keys}
        self._clock = clock
        self._tokens: dict[str, tuple[float, float]] = {}
        self._going: dict[str, int] = {}

    @property
    def wanted(self) -> bool:
        """Whether a key is needed."""
        return bool(self._keys)

    def renew(self, keys: Sequence[Key]) -> None:
        """Other keys from now on; who is inside stays inside, and what was used up stays used up."""
        self._keys = {key.hash: key for key in keys}

    def enter(self, headers: Mapping[bytes, bytes]) -> Key:
        """Whose request it is. Raises ``Refused``: 401 without a key that is known, 429 beyond its limits."""
        if not self._keys:
            return NOBODY
        key = self._find(headers)
        now = self._clock()
        left, since = self._tokens.get(key.hash, (float(key.per_minute), now))
        left = min(key.per_minute, left + (now - since) * key.per_minute / 60)
        if left < 1:
            raise Refused(
                429, "too many requests a minute", "rate_limit_exceeded", retry_after=(1 - left) * 60 / key.per_minute
            )
        if self._going.get(key.hash, 0) >= key.at_once:
            raise Refused(429, "too many requests at once", "rate_limit_exceeded", retry_after=1)
        self._tokens[key.hash] = (left - 1, now)
        self._going[key.hash] = self._going.get(key.hash, 0) + 1
        return key

    def leave(self, key: Key) -> None:
        """The request is over."""
        if key is not NOBODY:
            self._going[key.hash] -= 1

    def _find(self, headers: Mapping[bytes, bytes]) -> Key:
        known = self._keys.get(hashed(_shown(headers)))
        if known is None:
            raise Refused(401, "no key, or one that is not known", "invalid_api_key")
        return known


def _shown(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    return headers.get(b"api-key", headers.get(b"x-api-key", b""))
