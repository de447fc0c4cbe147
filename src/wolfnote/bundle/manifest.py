"""``manifest.json``: every file of a bundle by its hash, each link of the chain over the one before; and the signature.

The chain alone shows that nothing was changed by accident. Whoever can write the bundle can write another chain, so only a
signature (Ed25519, over the manifest's bytes) says from whom it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote.errors import InputError
from wolfnote.folder import content_hash

FILE = "manifest.json"
SIGNATURE = "signature.json"
FORMAT = "wolfnote bundle"
START = "0" * 64


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file; ``link`` is over the link before, the path, the size and the hash."""

    path: str
    bytes: int
    sha256: str
    link: str


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundle says of itself. ``absent``: evidence files that there is nothing for, each with the reason."""

    kind: str
    run_id: str
    complete: bool
    withheld: bool
    wolfnote: str
    absent: dict[str, str]
    signed: dict[str, bool] = {}
    """Audits whose signatures held when texts were withheld: afterwards they cannot be checked."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``head`` is over ``about`` and the last link."""

    about: About
    files: tuple[Entry, ...]
    head: str
    format: str = FORMAT


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ed25519: public key and signature over the manifest's bytes, in hex."""

    key: str
    value: str


def make(root: Path, about: About) -> Manifest:
    """The manifest of all files below ``root``."""
    entries = tuple(_chained((name, (root / name).stat().st_size, content_hash(root / name)) for name in names(root)))
    return Manifest(about, entries, head(about, entries))


def read(root: Path) -> tuple[Manifest, bytes]:
    """The manifest of an opened bundle, and its bytes. Raises ``InputError`` when it is none."""
    path = root / FILE
    try:
        text = path.read_bytes()
        return msgspec.json.decode(text, type=Manifest), text
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not a bundle's manifest ({error})", where=FILE, remedy="make the bundle again") from None


def encode(manifest: Manifest) -> bytes:
    """As it is written, and signed."""
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def head(about: About, entries: Sequence[Entry]) -> str:
    """The hash over what the bundle says of itself and its last link."""
    last = entries[-1].link if entries else START
    return hashlib.sha256(last.encode() + msgspec.json.encode(about, order="sorted")).hexdigest()


def faults(root: Path, manifest: Manifest) -> Iterator[str]:
    """Every file that is not what the manifest says, is missing or is not in it; every link that does not follow."""
    listed = {entry.path: entry for entry in manifest.files}
    if len(listed) != len(manifest.files):
        yield f"{FILE}: a file is listed twice"
    present = names(root)
    for name in sorted(set(present) - set(listed)):
        yield f"{name}: is in the bundle and not in its manifest"
    for name, entry in listed.items():
        if name not in present:
            yield f"{name}: is missing"
        elif content_hash(root / name) != entry.sha256:
            yield f"{name}: its content was changed"
        elif (root / name).stat().st_size != entry.bytes:
            yield f"{name}: its size is not the one in the manifest"
    again = _chained((e.path, e.bytes, e.sha256) for e in manifest.files)
    broken = next((e.path for e, now in zip(manifest.files, again, strict=True) if e.link != now.link), None)
    if broken is not None:
        yield f"{FILE}: the chain breaks at {broken}"
    if manifest.head != head(manifest.about, manifest.files) or manifest.format != FORMAT:
        yield f"{FILE}: what it says of the bundle was changed"


def names(root: Path) -> list[str]:
    """Every file of a bundle but its manifest and signature, sorted."""
    every = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in every if name not in (FILE, SIGNATURE))


def _chained(files: Iterable[tuple[str, int, str]]) -> Iterator[Entry]:
    link = START
    for path, size, digest in files:
        link = hashlib.sha256(json.dumps([link, path, size, digest]).encode()).hexdigest()
        yield Entry(path, size, digest, link)
