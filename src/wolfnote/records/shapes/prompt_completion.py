"""A prompt and what follows: ``prompt``/``completion``, ``prompt``/``response`` or ``question``/``answer``.

Each value is a string, or a list of messages as TRL writes it. Written rows say ``prompt`` and ``completion``.
"""

from __future__ import annotations

from wolfnote.records import turns
from wolfnote.records.row import Message, Sample
from wolfnote.records.shapes.shape import Content, Row, plain, rest

PAIRS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"))


def recognises(row: Row) -> bool:
    """Has both keys of one of the pairs."""
    return any(a in row and b in row for a, b in PAIRS)


def parse(row: Row) -> Content:
    """An empty prompt means running text: nothing was asked."""
    asked, answered = next(pair for pair in PAIRS if pair[0] in row and pair[1] in row)
    extras: turns.Extras = {}
    metadata = rest(row, asked, answered)
    if row[asked] == "" and isinstance(row[answered], str):
        return Content((Message("assistant", row[answered]),), metadata)
    messages = side(row[asked], "user", extras)
    messages += side(row[answered], "assistant", extras, len(messages))
    turns.ordered(messages)
    return Content(tuple(messages), metadata | turns.form(extras))


def dump(sample: Sample) -> Row:
    """Two strings where they say it all, else two lists of messages."""
    *asked, answer = sample.messages
    extras = turns.extras_of(sample)
    if not asked:
        return {"prompt": "", "completion": answer.content}
    written = [turns.dump(m, extras.get(str(i), {})) for i, m in enumerate(sample.messages)]
    if terse(sample.messages) and not extras:
        return {"prompt": written[0]["content"], "completion": written[1]["content"]}
    return {"prompt": written[:-1], "completion": written[-1:]}


def side(value: object, role: str, extras: turns.Extras, first: int = 0) -> list[Message]:
    """The messages of a string, spoken by ``role``, or of a list of turns."""
    return [turns.spoken(role, value)] if isinstance(value, str) else turns.parse(value, extras, first)


def terse(messages: tuple[Message, ...]) -> bool:
    """Whether two strings can hold a question and its answer."""
    asked = messages[0]
    return len(messages) == 2 and asked.role == "user" and asked.content != "" and all(map(plain, messages))
