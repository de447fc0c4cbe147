"""A Merkle tree over many leaves in order, as RFC 6962 has it: one hash for all, and a short proof that one of them is in it.

A leaf is hashed behind a byte 0, a pair behind a byte 1, so that no pair passes for a leaf. Everything streams: memory grows
with the height of the tree only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

EMPTY = hashlib.sha256().digest()


class Tree:
    """The root of the leaves added so far."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []
        """Roots of full subtrees, largest first: one for each bit of ``size``."""

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        node = leaf_hash(leaf)
        size = self.size
        while size & 1:
            node = _pair(self._full.pop(), node)
            size >>= 1
        self._full.append(node)
        self.size += 1

    @property
    def root(self) -> bytes:
        """32 bytes; of no leaves, the hash of nothing."""
        if not self._full:
            return EMPTY
        node = self._full[-1]
        for larger in reversed(self._full[:-1]):
            node = _pair(larger, node)
        return node


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\0" + leaf).digest()


def proof(leaves: Iterator[bytes], index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` of ``size`` to the root, nearest first. Reads every leaf once.

    Raises ``IndexError`` when there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} of {size}")
    if size == 1:
        next(leaves)
        return []
    left = _split(size)
    if index < left:
        path = proof(leaves, index, left)
        return [*path, _root(leaves, size - left)]
    other = _root(leaves, left)
    return [*proof(leaves, index - left, size - left), other]


def holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that ``leaf`` is leaf ``index`` of the ``size`` under ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, left, last = leaf_hash(leaf), index, size - 1
    for other in path:
        if last == 0:
            return False
        if left & 1 or left == last:
            node = _pair(other, node)
            while left and not left & 1:
                left, last = left >> 1, last >> 1
        else:
            node = _pair(node, other)
        left, last = left >> 1, last >> 1
    return last == 0 and node == root


def _root(leaves: Iterator[bytes], size: int) -> bytes:
    tree = Tree()
    for leaf in islice(leaves, size):
        tree.add(leaf)
    return tree.root


def _pair(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
