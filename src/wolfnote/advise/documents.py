"""What retrieval may find: text, Markdown, HTML and PDF files of a folder, cut into passages.

What has no text (an empty file, a PDF of images, a kind nobody knows) is named with its reason and never passes for read.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wolfnote.errors import InputError, MissingExtra
from wolfnote.records import documents, files
from wolfnote.records.row import Bad, Unread
from wolfnote.results import Skipped

LONGEST = 64 << 20
"""Bytes of one file."""
PAGES = 5000
_BREAK = re.compile(r"\n[ \t]*\n|\n(?=#)")


class Passage(NamedTuple):
    """A piece of a document. ``id`` is ``DOCUMENT#NUMBER``."""

    id: str
    document: str
    text: str


class Library(NamedTuple):
    """All passages, how many documents they are from, and what could not be read."""

    passages: list[Passage]
    documents: int
    skipped: tuple[Skipped, ...] = ()

    @property
    def digest(self) -> str:
        """Hash of what can be found."""
        return hashlib.sha256(repr(self.passages).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read(folder: Path, size: int) -> Library:
    """The passages of a folder (or of one file), ``size`` characters each at most.

    Raises ``InputError`` where there is no such folder or nothing in it could be read.
    """
    if not folder.exists():
        raise InputError("no such folder", where=str(folder), remedy="check --docs")
    passages: list[Passage] = []
    skipped: list[Skipped] = []
    seen: dict[str, str] = {}
    for name, file in _named(folder):
        try:
            text = _text(folder, file)
        except Bad as bad:
            skipped.append(Skipped(f"document {name}", str(bad)))
            continue
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if digest in seen:
            skipped.append(Skipped(f"document {name}", f"the same text as {seen[digest]}"))
            continue
        seen[digest] = name
        passages += [Passage(f"{name}#{number}", name, piece) for number, piece in enumerate(pieces(text, size), 1)]
    if not passages:
        why = "; ".join(f"{s.what.removeprefix('document ')}: {s.reason}" for s in skipped[:3]) or "the folder is empty"
        raise InputError(f"no document could be read ({why})", where=str(folder), remedy="give .txt, .md, .html or .pdf files")
    return Library(passages, len(seen), tuple(skipped))


def pieces(text: str, size: int) -> Iterator[str]:
    """Paragraphs joined up to ``size`` characters, under the last Markdown heading; a longer paragraph is cut at a blank."""
    heading, kept = "", ""
    for paragraph in filter(None, (part.strip() for part in _BREAK.split(text))):
        if paragraph.startswith("#"):
            if kept:
                yield kept
            heading, _, paragraph = paragraph.partition("\n")
            heading, kept, paragraph = heading[: size // 4], "", paragraph.strip()
        for part in _cut(paragraph, size - len(heading) - 1):
            if kept and len(kept) + len(part) + 2 > size:
                yield kept
                kept = ""
            kept = f"{kept}\n\n{part}" if kept else f"{heading}\n{part}".strip()
    if kept:
        yield kept


def _cut(text: str, size: int) -> Iterator[str]:
    while len(text) > size:
        at = text.rfind(" ", size // 2, size)
        at = size if at < 0 else at
        yield text[:at].strip()
        text = text[at:].strip()
    if text:
        yield text


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_file():
        yield folder.name, folder
        return
    for file in documents.listed(folder):
        yield documents.named(file.relative_to(folder)), file


def _text(folder: Path, file: Path) -> str:
    """The text of a file. Raises ``Bad`` with the reason where there is none."""
    if folder.is_dir() and not file.resolve().is_relative_to(folder.resolve()):
        raise Bad("a link that leads out of the folder")
    if not file.is_file():
        raise Bad("not a file")
    kind = files.suffix(file)
    if kind == ".pdf":
        return _pdf(file)
    if kind not in documents.DOCUMENTS:
        raise Bad(f"not text, Markdown, HTML or PDF ({kind or 'no extension'})")
    try:
        found = documents.read(file, LONGEST)
    except InputError as error:
        raise Bad(error.message) from None
    if isinstance(found, Unread):
        raise Bad(found.reason)
    return found.messages[-1].content


def _pdf(file: Path) -> str:
    try:
        import pypdf
    except ModuleNotFoundError:
        raise MissingExtra("pypdf", "advise") from None
    if file.stat().st_size > LONGEST:
        raise Bad(f"more than {LONGEST >> 20} MB")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells strangers' mistakes on stderr
    try:
        reader = pypdf.PdfReader(io.BytesIO(file.read_bytes()))
        if reader.is_encrypted:
            raise Bad("a PDF behind a password → save it without one")
        count = len(reader.pages)
        texts = [reader.pages[i].extract_text() for i in range(min(count, PAGES))]
    except Bad:
        raise
    except Exception as error:  # a damaged PDF fails in a hundred ways, none of them ours
        raise Bad(f"not a readable PDF ({type(error).__name__})") from None
    text = "\n\n".join(filter(None, (t.strip() for t in texts)))
    if not text:
        raise Bad(f"a PDF of images: no text on its {count} page{'s' if count != 1 else ''} → run OCR on it first")
    return text
