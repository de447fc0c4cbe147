"""Rows without a known shape, read by what the user says each column is: helpdesk exports above all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wolfnote.errors import SettingsError
from wolfnote.records import turns
from wolfnote.records.row import ROLES, Bad, Message
from wolfnote.records.shapes.shape import Content, rest
from wolfnote.records.sources import Raw

if TYPE_CHECKING:
    from wolfnote.records.reading import Reading

TICKET = ("system", "user", "assistant")
MESSAGE = ("role", "content", "thread")


def check(columns: Mapping[str, str], roles: Mapping[str, str], key: str) -> None:
    """Raise ``SettingsError`` unless the columns say who asked and who answered, in one of the two ways."""
    for name, part in columns.items():
        if part not in TICKET + MESSAGE:
            raise SettingsError(f"no such part {part!r}", where=f"data.columns.{name}", remedy="one of " + _listed())
    for name, role in roles.items():
        if role not in ROLES:
            raise SettingsError(f"no such role {role!r}", where=f"data.roles.{name}", remedy="one of " + ", ".join(ROLES))
    parts = set(columns.values())
    needed = {"role", "content"} if key else {"role", "content", "thread"} if parts & set(MESSAGE) else {"user", "assistant"}
    if (columns or key) and not needed <= parts:
        missing = ", ".join(sorted(needed - parts))
        raise SettingsError(f"no column for {missing}", where="data.columns", remedy="--set data.columns.COLUMN=PART")
    if parts & set(TICKET) and parts & set(MESSAGE):
        raise SettingsError("one row is a ticket or a message, not both", where="data.columns", remedy="one of " + _listed())


def is_messages(reading: Reading) -> bool:
    """Whether each row is one message of a thread."""
    return "thread" in reading.columns.values() and not reading.turns


def ticket(row: dict[str, Any], reading: Reading) -> Content:
    """One row a ticket: its columns, or the list of turns under one key. Raises ``Bad``."""
    if reading.turns:
        return _listed_turns(row, reading)
    said = {role: _said(row, reading.columns, role) for role in TICKET}
    for role in ("user", "assistant"):
        if not said[role]:
            raise Bad(f"nothing in the {role}'s column ({', '.join(_of(reading.columns, role))})")
    messages = [turns.spoken(role, said[role]) for role in TICKET if said[role]]
    return Content(tuple(messages), rest(row, *reading.columns))


def threads(raws: Iterator[Raw], reading: Reading) -> Iterator[tuple[int, str, Content | Bad]]:
    """One row a message: neighbouring rows of one thread are one sample, placed at the first of them.

    A thread that comes up again after another has come between would be two halves of one conversation; it is unread.
    """
    column = _of(reading.columns, "thread")[0]
    seen: set[int] = set()  # hashes: the ids of a million threads are many megabytes
    current: object = None
    rows: list[Raw] = []
    for line, row in raws:
        key = _key(row, column) if isinstance(row, dict) else current
        if rows and key != current:
            yield _thread(rows, column, current, reading, seen)
            rows = []
        current = key
        rows.append((line, row))
    if rows:
        yield _thread(rows, column, current, reading, seen)


def _thread(rows: list[Raw], column: str, key: object, reading: Reading, seen: set[int]) -> tuple[int, str, Content | Bad]:
    first = rows[0][0]
    again = hash(str(key)) in seen
    seen.add(hash(str(key)))
    try:
        for _, row in rows:
            if isinstance(row, Bad):
                raise row
        if key is None or key == "":
            raise Bad(f"no thread in the column {column}")
        if again:
            raise Bad(f"the thread {key} comes up a second time → sort the file by {column}")
        extras: turns.Extras = {}
        messages = [_turn(row, index, reading, extras, column) for index, (_, row) in enumerate(rows)]
        turns.ordered(messages)
    except Bad as bad:
        return first, "mapped", bad
    return first, "mapped", Content(tuple(messages), {column: key} | turns.form(extras))


def _listed_turns(row: dict[str, Any], reading: Reading) -> Content:
    listed = _get(row, reading.turns)
    if not isinstance(listed, list):
        raise Bad(f"no list of turns under {reading.turns} (columns {', '.join(list(row)[:8])})")
    extras: turns.Extras = {}
    messages = [_turn(turn, index, reading, extras) for index, turn in enumerate(listed)]
    turns.ordered(messages)
    return Content(tuple(messages), rest(row, reading.turns) | turns.form(extras))


def _turn(row: object, index: int, reading: Reading, extras: turns.Extras, *known: str) -> Message:
    if not isinstance(row, dict):
        raise Bad(f"a turn that is no object (found: {type(row).__name__})")
    name = _said(row, reading.columns, "role")
    role = reading.roles.get(name, name)
    if role not in ROLES:
        raise Bad(f"unknown role {name!r} → --set data.roles.{name}=assistant (or user, system, tool)")
    if kept := rest(row, *reading.columns, *known):
        extras[str(index)] = kept
    return turns.spoken(role, _said(row, reading.columns, "content"))


def _said(row: dict[str, Any], columns: Mapping[str, str], part: str) -> str:
    texts = []
    for column in _of(columns, part):
        value = _get(row, column)
        if value is not None and not isinstance(value, str):
            raise Bad(f"the column {column} holds no text")
        texts.append(value or "")
    return "\n\n".join(text for text in texts if text)


def _key(row: dict[str, Any], column: str) -> object:
    try:
        return _get(row, column)
    except Bad:
        return None


def _get(row: dict[str, Any], column: str) -> object:
    """The value of a column; a dotted name reaches into nested objects. Raises ``Bad`` when the row has no such column."""
    if column in row:
        return row[column]
    value: object = row
    for step in column.split("."):
        if not isinstance(value, dict) or step not in value:
            raise Bad(f"no column {column} (columns {', '.join(list(row)[:8])})")
        value = value[step]
    return value


def _of(columns: Mapping[str, str], part: str) -> list[str]:
    return [name for name, given in columns.items() if given == part]


def _listed() -> str:
    return ", ".join(TICKET) + " (one row a ticket) or " + ", ".join(MESSAGE) + " (one row a message)"
