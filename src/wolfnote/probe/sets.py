"""Wolfnote's own question sets: TOML files in ``questions/``, each with a name, a description and a list of items."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def items(name: str, key: str, kind: type[T]) -> list[T]:
    """All items of the set ``name``, in order; ``key`` is what the file calls one item."""
    return msgspec.convert(_file(name)[key], list[kind])  # type: ignore[valid-type]  # a type that is an argument


@lru_cache(maxsize=8)
def _file(name: str) -> dict[str, list[dict[str, object]]]:
    text = resources.files(__package__).joinpath(f"questions/{name}.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict)
