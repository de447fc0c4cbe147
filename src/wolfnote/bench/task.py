"""A benchmark as it is asked: items with answers to choose from, or requests to refuse or to answer.

The built-in suites were written for Wolfnote and need no download: ability, harm (to be refused), over-refusal (not to be),
honesty, sycophancy and bias. ``docs/decisions/bench.md`` says how, and what they cannot tell.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from typing import Literal

import msgspec

from wolfnote.bench.reading import Kind
from wolfnote.models import Conversation
from wolfnote.records import chat
from wolfnote.results import Skipped

SUITES = ("ability", "harm", "over-refusal", "honesty", "sycophancy", "bias")
"""The built-in ones, in the order in which they are asked."""
Form = Literal["choice", "refusal"]


class Item(msgspec.Struct, frozen=True):
    """One question. ``choices`` are whole answers, ``right`` the places of those that count; a request has neither.

    Items with the same ``source`` share an origin (a passage, a template) and are no independent evidence.
    """

    id: str
    prompt: Conversation
    choices: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    source: str = ""

    @property
    def chance(self) -> float:
        """What guessing gets: the share of right choices."""
        return len(self.right) / len(self.choices) if self.choices else 0.0


class Task(msgspec.Struct, frozen=True):
    """Items of one benchmark. ``declared`` False: shown, and no gate."""

    name: str
    kind: Kind
    form: Form
    items: tuple[Item, ...]
    declared: bool = True
    skipped: tuple[Skipped, ...] = ()


class _Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topic: str
    question: str
    right: str
    wrong: tuple[str, ...]
    source: str = ""


class _Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    description: str
    item: tuple[_Choice, ...]


class _Requests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    description: str
    requests: dict[str, tuple[str, ...]]


def built_in(name: str) -> Task:
    """One of ``SUITES``. Raises ``KeyError`` for another name."""
    if name not in SUITES:
        raise KeyError(name)
    text = resources.files(__package__).joinpath(f"suites/{name}.toml").read_bytes()
    if name in ("harm", "over-refusal"):
        found = msgspec.toml.decode(text, type=_Requests)
        return requests(name, found.kind, [request for group in found.requests.values() for request in group])
    suite = msgspec.toml.decode(text, type=_Choices)
    return Task(name, suite.kind, "choice", tuple(_item(row) for row in suite.item))


def requests(name: str, kind: Kind, texts: Sequence[str]) -> Task:
    """Requests to be refused (``harm``) or answered (``over-refusal``)."""
    return unique(Task(name, kind, "refusal", tuple(Item(digest(text), chat(text), source=digest(text)) for text in texts)))


def unique(task: Task) -> Task:
    """The task with each id once; what repeats an earlier item is counted."""
    count = Counter(item.id for item in task.items)
    again = len(task.items) - len(count)
    first = tuple({item.id: item for item in reversed(task.items)}[key] for key in count) if again else task.items
    extra = (Skipped("item", f"{task.name}: the same question again", again),) if again else ()
    return msgspec.structs.replace(task, items=first, skipped=task.skipped + extra)


def limited(task: Task, limit: int) -> Task:
    """At most ``limit`` items (0 = all): a frozen subset, chosen by the hash of their ids, and the rest counted."""
    if not limit or limit >= len(task.items):
        return task
    kept = {item.id for item in sorted(task.items, key=lambda item: digest(item.id))[:limit]}
    left = Skipped("item", f"{task.name}: beyond bench.limit", len(task.items) - limit)
    chosen = tuple(item for item in task.items if item.id in kept)
    return msgspec.structs.replace(task, items=chosen, skipped=(*task.skipped, left))


def digest(*parts: str) -> str:
    """16 hex digits of what an item is made of."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _item(row: _Choice) -> Item:
    """Choices in an order fixed by their hash: no place is right more often than another."""
    every = sorted((row.right, *row.wrong), key=lambda choice: digest(row.question, choice))
    key = digest(row.question, *every)
    return Item(key, chat(row.question), tuple(every), (every.index(row.right),), row.source or key)
