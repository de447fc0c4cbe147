"""Which model answers a conversation: a keyed hash, the same on every replica, after every restart.

u = blake2b(salt; tenant, unit) / 2⁶⁴ and the canary answers while u < share. So whoever was on the canary at 1 % still is at
5 %, and nobody can choose their arm without the salt. What is pinned stays: a conversation that stable began stays there when
the share grows over it, and one that was ever sent back to stable does not return.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

HEADER = "x-wolfnote-conversation"
OPT_OUT = "x-wolfnote-stable"
"""A request that carries it, with any value, is answered by stable."""
SPLIT_SAMPLE = 16
"""The split is checked on one conversation in so many."""


class Arm(StrEnum):
    """Who answers."""

    STABLE = "stable"
    CANARY = "canary"


class Identity(msgspec.Struct, frozen=True):
    """Whose conversation it is. ``unit`` is what is hashed, ``kind`` where it came from."""

    tenant: str
    kind: str
    """``header``, ``conversation``, ``response``, ``user`` or ``content``."""
    unit: str

    def observed(self, day: int) -> str:
        """The unit of observation: the conversation, or where only a user is known, their day (days since 1970)."""
        return f"{self.unit}\0{day}" if self.kind == "user" else self.unit


class Pin(msgspec.Struct, frozen=True):
    """What is remembered of a unit, or of the id of a response: the arm, and the unit it belongs to (a ``name``)."""

    arm: Arm
    unit: str


class Assignment(msgspec.Struct, frozen=True):
    """The arm and why; ``pin`` when it must be remembered, for a later share would say otherwise."""

    arm: Arm
    why: str
    """``hash``, ``pinned``, ``opted out``, ``denied``, ``unknown response`` or ``share 0``."""
    pin: bool = False
    drawn: bool = False
    """By the hash and nothing else: these enter the check of the split, at their conversation's first turn (``sampled``)."""


def identify(tenant: str, headers: Mapping[str, str], body: Mapping[str, Any], key: str = "") -> Identity:
    """Whose conversation a request belongs to: header, else conversation, else previous response, else user, else content.

    ``headers`` have lower-case names; ``key`` is the caller's API key or its hash. Never raises: a malformed field counts
    as none.
    """
    conversation = body.get("conversation")
    if isinstance(conversation, Mapping):
        conversation = conversation.get("id")
    named = {
        "header": headers.get(HEADER),
        "conversation": conversation,
        "response": body.get("previous_response_id"),
        "user": body.get("safety_identifier") or body.get("user"),
    }
    for kind, value in named.items():
        if isinstance(value, str) and value:
            return Identity(tenant, kind, f"{kind}\0{value}")
    return Identity(tenant, "content", "content\0" + _content(key, body))


def response(tenant: str, response_id: str) -> Identity:
    """The identity under which the id of an answer is pinned, so that ``previous_response_id`` finds its conversation."""
    return Identity(tenant, "response", f"response\0{response_id}")


def is_first_turn(body: Mapping[str, Any]) -> bool:
    """Whether nobody has answered in this conversation yet: its history is nobody's work, and a pair of answers is fair."""
    if body.get("previous_response_id"):
        return False
    return not any(_role(message) in ("assistant", "tool", "function") for message in _messages(body))


def position(salt: bytes, identity: Identity) -> float:
    """u in [0, 1), the same for the same tenant and unit. Keep the salt secret, and for as long as the experiment lasts."""
    key = hashlib.blake2b(salt, digest_size=64).digest()
    text = _packed(identity.tenant, identity.unit)
    drawn = int.from_bytes(hashlib.blake2b(text, key=key, digest_size=8).digest(), "big")
    return (drawn >> 11) / 2**53  # 53 bits: what a float holds, so that 1.0 never comes out


def name(salt: bytes, identity: Identity, observed: str = "") -> str:
    """What the store knows a unit by: 32 hex digits that do not lead back to a user."""
    key = hashlib.blake2b(b"name" + salt, digest_size=64).digest()
    return hashlib.blake2b(_packed(identity.tenant, observed or identity.unit), key=key, digest_size=16).hexdigest()


def sampled(u: float) -> bool:
    """Whether the unit at ``u`` is in the sample on which the split is checked: by bits that no share looks at."""
    return int(u * 2**53) % SPLIT_SAMPLE == 0


def place(
    u: float, share: float, *, pinned: Arm | None = None, largest: float = 1.0, stable_only: str = "", kind: str = ""
) -> Assignment:
    """The arm of the conversation at ``u``. ``pinned`` need be looked up only where u < share; ``kind`` is the identity's.

    ``largest`` is the largest share there may come to be: what stable answers below it is pinned, so that it does not flip when
    the share grows. ``stable_only`` is why it is stable's in any case (``opted out``, ``denied``). An answer whose id nobody
    pinned was stable's: only who made it has it in store.
    """
    why = stable_only or ("share 0" if share <= 0 else "unknown response" if kind == "response" and pinned is None else "")
    if why:
        return Assignment(Arm.STABLE, why, pin=pinned is not Arm.STABLE and u < largest)
    if pinned is not None:
        return Assignment(pinned, "pinned")
    arm = Arm.CANARY if u < share else Arm.STABLE
    return Assignment(arm, "hash", pin=arm is Arm.STABLE and u < largest, drawn=True)


def _content(key: str, body: Mapping[str, Any]) -> str:
    """Hash of key, system text and first user message: the same for every turn of a conversation that is sent whole."""
    messages = _messages(body)
    system = [m for m in messages if _role(m) in ("system", "developer")][:1]
    first = [m for m in messages if _role(m) == "user"][:1]
    said = [_text(m) for m in (*system, *first)] or [_text(body.get("prompt"))]
    return hashlib.blake2b(_packed(key, _text(body.get("instructions")), *said), digest_size=16).hexdigest()


def _messages(body: Mapping[str, Any]) -> list[Any]:
    found = body.get("messages") or body.get("input")
    if isinstance(found, str):
        return [{"role": "user", "content": found}]
    return found if isinstance(found, list) else []


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


def _text(part: Any) -> str:
    content = part.get("content") if isinstance(part, Mapping) else part
    return content if isinstance(content, str) else json.dumps(content, sort_keys=True, default=str)


def _packed(*parts: str) -> bytes:
    """Parts behind their lengths: no two lists of parts look alike."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
