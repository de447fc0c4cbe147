"""A zip that means harm is refused before anything of it is used, and leaves nothing outside."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wolfnote import InputError, bundle

Fill = Callable[[zipfile.ZipFile], None]


def named(name: str) -> Fill:
    return lambda archive: archive.writestr(name, "x")


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("report.html")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def device(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("report.html")
    info.external_attr = (stat.S_IFCHR | 0o666) << 16
    archive.writestr(info, "")


def bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("run/records.jsonl", b"\0" * (8 << 20), zipfile.ZIP_DEFLATED)


def many(archive: zipfile.ZipFile) -> None:
    for number in range(20_001):
        archive.writestr(f"{number}", "")


def twice(archive: zipfile.ZipFile) -> None:
    archive.writestr("limits.md", "a")
    archive.writestr("LIMITS.md", "b")


HAZARDS: dict[str, tuple[Fill, str]] = {
    "up": (named("../outside"), "leads out of it"),
    "deep up": (named("run/../../outside"), "leads out of it"),
    "root": (named("/tmp/outside"), "leads out of it"),  # noqa: S108 - refused
    "drive": (named("C:outside"), "leads out of it"),
    "backslash": (named("..\\outside"), "leads out of it"),
    "control character": (named("a\nb"), "a name that is none"),
    "long": (named("a" * 300), "a name that is none"),
    "link": (link, "a link"),
    "device": (device, "no plain file"),
    "bomb": (bomb, "far more than it is"),
    "many": (many, "more than"),
    "twice": (twice, "there twice"),
    "no manifest": (named("limits.md"), "manifest"),
}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_is_refused(tmp_path: Path, hazard: str) -> None:
    """Traversal, links, bombs, doubles: one line, and no file appears beside the zip."""
    fill, says = HAZARDS[hazard]
    path = tmp_path / "in" / "b.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        fill(archive)
    with pytest.raises(InputError, match=says):
        bundle.verify(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "b.zip"]


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """A header that says ten bytes and a stream that gives a megabyte: no more than ten are believed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("limits.md", b"y" * 1_000_000)
    data = out.getvalue()
    true = (1_000_000).to_bytes(4, "little")
    path = tmp_path / "b.zip"
    path.write_bytes(data.replace(true, (10).to_bytes(4, "little")))
    with pytest.raises(InputError):
        bundle.verify(path)


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder can be a bundle; a link in it leads who knows where."""
    (tmp_path / "b" / "run").mkdir(parents=True)
    (tmp_path / "b" / "manifest.json").write_text("{}")
    (tmp_path / "b" / "report.html").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="a link"):
        bundle.verify(tmp_path / "b")


def test_random_bytes_are_no_bundle(tmp_path: Path) -> None:
    """A file that only claims to be a zip, and a zip cut in half: one line each."""
    path = tmp_path / "b.zip"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(InputError, match="not a readable zip"):
        bundle.verify(path)
