"""What a shape is: a name and three functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from wolfnote.records.row import FORM, Message, Sample

Row = dict[str, Any]


class Content(NamedTuple):
    """What a row holds, before it has an id and a place."""

    messages: tuple[Message, ...]
    metadata: dict[str, Any]
    rejected: tuple[Message, ...] = ()


class Shape(NamedTuple):
    """``parse`` and ``dump`` raise ``Bad``; ``dump`` writes the shape's own keys, the caller adds the further ones."""

    name: str
    recognises: Callable[[Row], bool]
    parse: Callable[[Row], Content]
    dump: Callable[[Sample], Row]


def rest(row: Row, *own: str) -> dict[str, Any]:
    """The keys of a row that are not the shape's own."""
    return {key: value for key, value in row.items() if key not in own}


def further(sample: Sample) -> dict[str, Any]:
    """The sample's metadata without the notes on its form."""
    return rest(sample.metadata, FORM) if FORM in sample.metadata else sample.metadata


def plain(message: Message) -> bool:
    """Whether a role and a text say all there is."""
    return message == Message(message.role, message.content, message.reasoning)
