"""Likelihoods of local models, kept across runs: a base is read once, however many tunes are compared with it later.

Known by weights, chat template and all that was asked. Models behind a server are left out: what is behind a name may change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TypeVar

import msgspec

from wolfnote.models import Model
from wolfnote.models.cache import cache

T = TypeVar("T")


def recalled(model: Model, key: str, work: Callable[[], T], kind: type[T]) -> T:
    """What ``work`` gave when it was last done with these weights, or gives now. A damaged file costs the work."""
    if not model.template:
        return work()
    file = cache() / "bench" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        found = work()
    draft = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(found))
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
    return found
