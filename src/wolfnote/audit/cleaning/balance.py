"""Rows that went in = rows that came out: a sum over ids that does not depend on their order, in a few bytes of memory."""

from __future__ import annotations

import hashlib

MODULUS = 1 << 256


class Bag:
    """A multiset of row ids, by its size and the sum of their hashes: two of the same rows, however ordered, are equal."""

    def __init__(self, size: int = 0, total: int = 0) -> None:
        self.size, self.total = size, total

    def add(self, row: str) -> None:
        """Put a row in; the same row twice counts twice."""
        self.size += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(row.encode()).digest(), "big")) % MODULUS

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.size + other.size, (self.total + other.total) % MODULUS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bag) and (self.size, self.total) == (other.size, other.total)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Bag({self.size} rows, {self.total:x})"
