"""Running text: documents and source files, one sample each; and the files of a folder or git checkout."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from wolfnote.records import files, sources
from wolfnote.records.row import Bad, Message, Sample, Unread, sample

DOCUMENTS = (".txt", ".md", ".markdown", ".html", ".htm")
LANGUAGES = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".jsx": "javascript", ".ts": "typescript",
    ".tsx": "typescript", ".java": "java", ".kt": "kotlin", ".scala": "scala", ".c": "c", ".h": "c", ".cc": "c++",
    ".cpp": "c++", ".hpp": "c++", ".cs": "c#", ".go": "go", ".rs": "rust", ".swift": "swift", ".m": "objective-c",
    ".rb": "ruby", ".php": "php", ".pl": "perl", ".lua": "lua", ".r": "r", ".jl": "julia", ".hs": "haskell", ".ml": "ocaml",
    ".ex": "elixir", ".erl": "erlang", ".clj": "clojure", ".dart": "dart", ".sh": "shell", ".bash": "shell",
    ".ps1": "powershell", ".sql": "sql",
    ".css": "css", ".scss": "css", ".vue": "vue", ".svelte": "svelte", ".tf": "terraform", ".zig": "zig", ".nim": "nim",
    ".yml": "yaml", ".yaml": "yaml", ".toml": "toml", ".rst": "restructuredtext", ".tex": "latex",
}  # fmt: skip
NAMES = {"Dockerfile": "dockerfile", "Makefile": "makefile", "Rakefile": "ruby", "Gemfile": "ruby", "Jenkinsfile": "groovy"}
_SPACE = re.compile(r"\s+")
_SILENT = ("script", "style", "template", "noscript")
_BLOCKS = frozenset((
    "p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "pre",
    "blockquote", "table", "ul", "ol", "dt", "dd",
))  # fmt: skip


def is_running_text(file: Path) -> bool:
    """Whether the whole file is one sample: a document, or a source file."""
    return files.suffix(file) in DOCUMENTS or language(file) is not None


def language(file: Path) -> str | None:
    """The programming language of a source file by its name, or None."""
    return NAMES.get(file.name) or LANGUAGES.get(file.suffix.lower())


def read(file: Path, limit: int) -> Sample | Unread:
    """The whole file as one sample without a prompt; ``Unread`` when it is empty, too long or not text."""
    place = f"{named(file)}:1"
    try:
        text = _text(file, limit)
    except Bad as bad:
        return Unread(place, str(bad))
    spoken = language(file)
    metadata: dict[str, Any] = {"language": spoken} if spoken else {}
    return sample((Message("assistant", text),), place, **metadata)


def listed(folder: Path) -> list[Path]:
    """The files of a git checkout, or else of a folder and the folders below it, in order."""
    found = _tracked(folder)
    return _walked(folder) if found is None else found


def named(file: Path) -> str:
    """A file's name as text that can be written anywhere: what of it is no UTF-8 is told as ``\\xff``."""
    return os.fsencode(file).decode("utf-8", "backslashreplace")


def fault(folder: Path, file: Path) -> str:
    """Why a file of a folder is not opened; empty when it is. A link may point at what its owner alone may read."""
    if not file.resolve().is_relative_to(folder.resolve()):
        return "a link that leads out of the folder"
    if not file.is_file():
        return "not a file (a submodule, or deleted)"
    return "" if is_running_text(file) or sources.known(file) else "not a kind of file that holds text, code or rows"


def _tracked(folder: Path) -> list[Path] | None:
    """What git tracks or would track in a folder; None when it is no checkout, or git is not there.

    A checkout can come from anyone: its own fsmonitor, which git would run, is switched off.
    """
    command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    names = sorted(set(filter(None, done.stdout.split(b"\0"))))
    return [folder / os.fsdecode(name) for name in names] or None


def _walked(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones and those in hidden folders; links to folders are not followed."""
    found = []
    for where, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(where) / name for name in sorted(names) if not name.startswith(".")]
    return found


def _text(file: Path, limit: int) -> str:
    with files.open(file) as stream:
        try:
            content = stream.read(limit + 1)
        except files.DAMAGE:
            raise Bad(files.CUT) from None
    if len(content) > limit:
        raise files.too_long(limit)
    if not content.strip():
        raise Bad("the file is empty")
    if b"\0" in content:
        raise Bad("binary, not text")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("not UTF-8 → save the file as UTF-8") from None
    return _stripped(text) if files.suffix(file) in (".html", ".htm") else text


def _stripped(page: str) -> str:
    parser = _Text()
    parser.feed(page)
    parser.close()
    lines = (line.rstrip() for line in "".join(parser.pieces).splitlines())
    text = "\n".join(line for line in lines if line)
    if not text:
        raise Bad("a page without text")
    return text


class _Text(HTMLParser):
    """Collects what a reader of the page would see; only inside ``pre`` are blanks and line ends part of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0
        self._set = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Blocks begin lines; scripts and styles are not text."""
        self._silent += tag in _SILENT
        self._set += tag == "pre"
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """The other half of ``handle_starttag``."""
        self._silent -= tag in _SILENT and self._silent > 0
        self._set -= tag == "pre" and self._set > 0
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Text, unless a script or style is open."""
        if self._silent:
            return
        if self._set:
            self.pieces.append(data)
            return
        text = _SPACE.sub(" ", data)
        begins = not self.pieces or self.pieces[-1].endswith("\n")
        self.pieces.append(text.lstrip() if begins else text)
