"""A bundle as a zip or a folder. Whoever sent it may mean harm: no name leads out of it, nothing in it is a link, nothing in it
unpacks to more than ``LARGEST`` bytes, and a member gives no more bytes than it said.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from wolfnote.bundle import manifest
from wolfnote.errors import InputError, RunError

LARGEST = 4 << 30
MOST = 20_000
"""Files in a bundle."""
RATIO = 400
"""A member that unpacks to more than so many times its size, and to more than ``SMALL`` bytes, is a bomb."""
SMALL = 1 << 20
PIECE = 1 << 16
REMEDY = "do not open it; ask for the bundle again"


def is_bundle(path: Path) -> bool:
    """Whether this is a bundle: a zip file, or a folder with a bundle's manifest in it."""
    if path.is_file():
        return zipfile.is_zipfile(path) or path.suffix == ".zip"
    return (path / manifest.FILE).is_file() and ((path / "run").is_dir() or (path / "limits.md").is_file())


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A folder that holds the bundle, for as long as the block lasts. Raises ``InputError`` for what is no bundle or unsafe."""
    if path.is_dir():
        _check_folder(path)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="wolfnote-") as home:
        _unpack(path, Path(home))
        yield Path(home)


def pack(root: Path, out: Path) -> None:
    """The folder as a zip, always the same bytes for the same files. Raises ``RunError`` where it cannot be written."""
    part = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in root.rglob("*") if path.is_file()):
                info = zipfile.ZipInfo(file.relative_to(root).as_posix(), (1980, 1, 1, 0, 0, 0))
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                with file.open("rb") as source, archive.open(info, "w") as target:
                    while piece := source.read(PIECE):
                        target.write(piece)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{out}: not written ({error.strerror}) → free the disk, or name another --out") from None


def _check_folder(path: Path) -> None:
    for number, entry in enumerate(path.rglob("*")):
        if number > MOST:
            raise InputError(f"more than {MOST} files", where=str(path), remedy=REMEDY)
        mode = entry.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise InputError("a link, or no plain file", where=str(entry), remedy=REMEDY)


def _unpack(path: Path, home: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _check(members, str(path))
            for info in members:
                _extract(archive, info, home / info.filename, str(path))
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), remedy="name a bundle") from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"not a readable zip ({error})", where=str(path), remedy="make the bundle again") from None
    except Exception as error:
        if type(error).__module__ not in ("zlib", "lzma"):
            raise
        raise InputError(f"not a readable zip ({error})", where=str(path), remedy="make the bundle again") from None


def _check(members: list[zipfile.ZipInfo], where: str) -> None:
    if len(members) > MOST or sum(info.file_size for info in members) > LARGEST:
        raise InputError(f"more than {MOST} files, or more than {LARGEST >> 30} GB unpacked", where=where, remedy=REMEDY)
    seen: set[str] = set()
    for info in members:
        fault = _fault(info, seen)
        if fault:
            raise InputError(f"{info.filename[:200]!r}: {fault}", where=where, remedy=REMEDY)
        seen.add(info.filename.casefold())


def _fault(info: zipfile.ZipInfo, seen: set[str]) -> str:
    """What is unsafe about a member; "" when nothing is."""
    name = info.orig_filename
    parts = PurePosixPath(name).parts
    kind = stat.S_IFMT(info.external_attr >> 16)
    checks = (
        (not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name, "a name that leads out of it"),
        (not name.isprintable() or len(name) > 240, "a name that is none"),
        (name.casefold() in seen, "a name that is there twice"),
        (kind not in (0, stat.S_IFREG), "a link, or no plain file"),
        (bool(info.flag_bits & 1), "encrypted"),
        (info.file_size > SMALL and info.file_size > RATIO * max(1, info.compress_size), "it unpacks to far more than it is"),
    )
    return next((fault for wrong, fault in checks if wrong), "")


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, where: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(info) as source, target.open("xb") as out:
        while piece := source.read(PIECE):
            size += len(piece)
            if size > info.file_size:
                raise InputError(f"{info.filename!r} gives more bytes than it said", where=where, remedy=REMEDY)
            out.write(piece)
