"""Which rows were trained on: ``manifest.json`` beside the data, and what proves it.

It holds the hash of each file and one hash over all rows in order (a Merkle root, ``merkle``). Whoever has the data can check
the whole; whoever has the root and a proof of a few dozen hashes can check one row without seeing any other.

A leaf is the whole SHA-256 of a row's content: the 16 digits of its id are too few against somebody who searches for two rows
with the same ones.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote import records
from wolfnote.audit import merkle
from wolfnote.errors import InputError, RunError
from wolfnote.folder import content_hash
from wolfnote.records import Sample, Unread

FILE = "manifest.json"
METHOD = "RFC 6962 over the SHA-256 of each row's content, in order"


class DataFile(msgspec.Struct, frozen=True):
    """One file of rows, by its name beside the manifest."""

    name: str
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a data set consists of."""

    rows: int
    root: str
    files: tuple[DataFile, ...]
    made: str
    method: str = METHOD
    run: str = ""
    """The run that the data were cleaned by, if any."""


class Inclusion(msgspec.Struct, frozen=True):
    """That one row is in the data: ``leaf`` at ``index`` leads by ``path`` to ``root``. All hashes in hex."""

    row: str
    index: int
    size: int
    leaf: str
    path: tuple[str, ...]
    root: str

    def holds(self) -> bool:
        """Whether the proof is one; that its root is the data's, whoever keeps the manifest can say."""
        try:
            leaf, root = bytes.fromhex(self.leaf), bytes.fromhex(self.root)
            path = [bytes.fromhex(node) for node in self.path]
        except ValueError:
            return False
        named = len(self.row) == 16 and self.leaf.startswith(self.row)
        return named and merkle.holds(leaf, self.index, self.size, path, root)


def make(paths: Sequence[Path], *, run: str = "", seen: Callable[[str], None] = lambda _: None) -> Manifest:
    """Read the data once, and tell ``seen`` each row's id. Raises ``InputError`` when a row of it cannot be read: it would be
    trained on unseen."""
    tree = merkle.Tree()
    files = []
    for path in paths:
        before = tree.size
        for leaf in leaves([path]):
            tree.add(leaf)
            seen(leaf.hex()[:16])
        files.append(DataFile(path.name, tree.size - before, path.stat().st_size, content_hash(path)))
    made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Manifest(tree.size, tree.root.hex(), tuple(files), made, run=run)


def write(folder: Path, manifest: Manifest) -> Path:
    """Put the manifest beside the data, whole or not at all; return its path. Raises ``RunError`` where that fails."""
    target = folder / FILE
    draft = target.with_name(f".{FILE}.{os.getpid()}.part")
    try:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        draft.replace(target)
    except OSError as error:
        raise RunError(f"{target}: not written ({error.strerror})") from None
    return target


def read(folder: Path) -> Manifest:
    """The manifest of a folder. Raises ``InputError`` when there is none, or it is none."""
    path = folder / FILE
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise InputError("no manifest here", where=str(path), remedy="give the folder that 'wolfnote clean' made") from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a manifest ({error})", where=str(path), remedy="clean the data again") from None
    for file in found.files:
        if Path(file.name).name != file.name:
            raise InputError("a manifest names files beside it only", where=str(path), remedy="clean the data again")
    return found


def verify(folder: Path) -> list[str]:
    """What differs between a manifest and the data beside it, found by reading the data again; nothing = all as it was."""
    said = read(folder)
    faults = []
    for file in said.files:
        path = folder / file.name
        if not path.is_file():
            faults.append(f"{file.name}: is not there")
        elif content_hash(path) != file.sha256:
            faults.append(f"{file.name}: its content was changed")
    if faults and any(not (folder / file.name).is_file() for file in said.files):
        return faults
    try:
        now = make([folder / file.name for file in said.files])
    except InputError as error:
        return [*faults, str(error)]
    if (now.rows, now.root) != (said.rows, said.root):
        faults.append(f"the rows are others than those in the manifest: {now.rows} now, {said.rows} then")
    return faults


def prove(folder: Path, row: str) -> Inclusion:
    """That the row with this id is in the data of a manifest, for somebody who has only its root.

    Raises ``InputError`` when no row has this id, ``RunError`` when the data are no longer those of the manifest.
    """
    said = read(folder)
    paths = [folder / file.name for file in said.files]
    index, leaf = next(((i, leaf) for i, leaf in enumerate(leaves(paths)) if leaf.hex()[:16] == row), (-1, b""))
    if index < 0:
        raise InputError(f"no row {row!r} in these data", where=str(folder), remedy="give the id of a row")
    if index >= said.rows:
        raise RunError(f"{folder}: the data have more rows than the manifest says")
    path = merkle.proof(leaves(paths), index, said.rows)
    found = Inclusion(row, index, said.rows, leaf.hex(), tuple(node.hex() for node in path), said.root)
    if not found.holds():
        raise RunError(f"{folder}: the data are not those of the manifest, so nothing is proved")
    return found


def leaves(paths: Iterable[Path]) -> Iterator[bytes]:
    """The leaf of each row, in order. Raises ``InputError`` for a row that cannot be read."""
    for path in paths:
        for row in records.read(path):
            if isinstance(row, Unread):
                raise InputError(f"a row that cannot be read: {row.reason}", where=row.source, remedy="clean the data again")
            yield leaf(row)


def leaf(row: Sample) -> bytes:
    """32 bytes, which begin with the row's id."""
    return bytes.fromhex(records.digest(row.messages, row.rejected))
