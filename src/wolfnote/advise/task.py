"""The user's own tasks: items with a question, what is right, and what they must not share with the examples.

A JSONL file, one item a line; ``id`` and ``question`` are needed, the rest as the score wants it::

    {"id": "r1", "question": "How long do I have to return shoes?", "answer": "30 days", "document": "returns.md"}
    {"id": "c7", "question": "My parcel is late", "answer": ["delivery"], "score": "exact", "customer": "acme"}
    {"id": "j2", "question": "Order 12, two lamps", "score": "json", "schema": {"type": "object"}}
    {"id": "x1", "question": "What will the price be in 2040?", "refuse": true}

Items of one document or customer hang together: they are held out together, and counted as one piece of evidence.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from wolfnote.advise.settings import Name, Settings
from wolfnote.errors import InputError
from wolfnote.results import Skipped

FORM = 'write one item a line: {"id": "…", "question": "…", "answer": "…", "document": "file.md"}'
LONGEST = 1 << 20
"""Characters of one line."""
NEEDS = {"exact": "answer", "contains": "answer", "f1": "answer", "numeric": "answer", "judge": "answer", "regex": "pattern"}


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question of the user's. ``split`` says whether it is asked or shown as an example; empty = drawn by hash."""

    id: str
    question: str
    answer: str | tuple[str, ...] = ()
    score: Name | Literal[""] = ""
    document: str = ""
    """Where the answer stands: a name within the documents."""
    passage: str = ""
    """The words in which it stands there."""
    customer: str = ""
    split: Literal["", "test", "example"] = ""
    refuse: bool = False
    """The right answer is to say that one cannot or does not know."""
    schema: dict[str, Any] | None = None
    pattern: str = ""
    within: float = 0.0
    """How far off a number may be."""

    @property
    def answers(self) -> tuple[str, ...]:
        """All right answers."""
        return (self.answer,) if isinstance(self.answer, str) else self.answer

    @property
    def group(self) -> str:
        """What it hangs together with."""
        return self.customer or self.document or self.id


class Tasks(NamedTuple):
    """Items that are asked, items that are shown, and what was left out."""

    asked: list[Item]
    examples: list[Item]
    skipped: tuple[Skipped, ...] = ()


def read(path: Path, settings: Settings) -> Tasks:
    """The items of a file. Raises ``InputError`` with the line for what is no item, an id twice, or a score without its key."""
    found: dict[str, int] = {}
    items = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        item = _item(line, where, settings)
        if item.id in found:
            message = f"the id {item.id!r} again, first on line {found[item.id]}"
            raise InputError(message, where=where, remedy="give each item an id of its own")
        found[item.id] = number
        items.append(item)
    if not items:
        raise InputError("no items", where=str(path), remedy=FORM)
    return split(items, settings)


def split(items: list[Item], settings: Settings) -> Tasks:
    """Which items are asked and which are shown: as they say themselves, else by the hash of their group.

    An example whose document or customer is asked about too is dropped and counted: it would tell what is being measured.
    """
    marked = any(item.split for item in items)
    shown = [item for item in items if (item.split == "example" if marked else _drawn(item, settings))]
    chosen = {item.id for item in shown}
    asked = [item for item in items if item.id not in chosen]
    groups = {item.group for item in asked}
    kept = [item for item in shown if item.group not in groups]
    told = "an example of a document or customer that is asked about"
    skipped = (Skipped("example", told, len(shown) - len(kept)),) if len(kept) < len(shown) else ()
    return Tasks(asked, kept, skipped)


def scorer(item: Item, settings: Settings) -> Name:
    """How the item's answers are scored."""
    return "refusal" if item.refuse else item.score or settings.score


def _drawn(item: Item, settings: Settings) -> bool:
    place = int(hashlib.sha256(f"{settings.seed}/{item.group}".encode()).hexdigest()[:8], 16) / 16**8
    return place < settings.examples


def _item(line: str, where: str, settings: Settings) -> Item:
    if len(line) > LONGEST:
        raise InputError(f"an item of {len(line):,} characters", where=where, remedy=f"at most {LONGEST:,}")
    try:
        item = msgspec.json.decode(line, type=Item)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InputError(f"not an item ({error})", where=where, remedy=FORM) from None
    if not item.question.strip() or not item.id:
        raise InputError("an item without question or id", where=where, remedy=FORM)
    name = scorer(item, settings)
    need = NEEDS.get(name, "")
    if name == "json" and item.schema is None and not any(item.answers):
        raise InputError("the score json needs 'schema' or 'answer'", where=where, remedy="add one of them")
    if need and not any(item.answers if need == "answer" else (item.pattern,)):
        raise InputError(f"the score {name} needs {need!r}", where=where, remedy=f"add {need}, or name another score")
    return item


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(path), remedy="save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy=FORM) from None
