"""Labels out to other tools and back: JSONL with a judgement a line, or Label Studio's JSON with a row a task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from wolfnote.audit import label_studio
from wolfnote.audit.labels import Label
from wolfnote.audit.review import Review
from wolfnote.errors import InputError

REMEDY = "name a .jsonl (a judgement a line) or a .json (Label Studio)"


class Brought(NamedTuple):
    """What an import brought: judgements kept, known already, and why others were not taken."""

    kept: int
    known: int
    refused: Sequence[str]


def export(review: Review, path: Path) -> int:
    """Write the judgements in force; ``.jsonl``: a line each; ``.json``: Label Studio's tasks, rows without a label included.

    Return how many judgements. Raises ``InputError`` for another ending, or a place that cannot be written.
    """
    opinions = review.opinions()
    every = [label for found in opinions.values() for label in found.every()]
    writers: dict[str, Callable[[], Iterator[bytes]]] = {
        ".jsonl": lambda: _lines(review, every),
        ".json": lambda: label_studio.tasks(review.drawn, every),
    }
    if path.suffix not in writers:
        raise InputError("unknown kind of file to write", where=str(path), remedy=REMEDY)
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            file.writelines(writers[path.suffix]())
        draft.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=str(path), remedy="choose another place") from None
    return len(every)


def bring(review: Review, path: Path) -> Brought:
    """Add the judgements of a file that ``export`` or Label Studio wrote; the same file brings nothing twice.

    Raises ``InputError`` for a file that cannot be read; a judgement that cannot be taken is refused with its reason.
    """
    readers = {".jsonl": _read_lines, ".json": label_studio.read}
    if path.suffix not in readers:
        raise InputError("unknown kind of file to read", where=str(path), remedy=REMEDY)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy="check the name") from None
    known = {label.id for label in review.labels.read()}
    in_force = {_content(label) for found in review.opinions().values() for label in found.every()}
    found = list(readers[path.suffix](data, path))
    refused = [f"{where}: {label}" for where, label in found if isinstance(label, str)]
    good = [_named(label) for _, label in found if isinstance(label, Label)]
    taken = {label.id: label for label in good if label.id not in known and _content(label) not in in_force}
    reasons = review.say([label for label in good if label.id in taken and not label.adjudicated])
    reasons |= review.say([label for label in good if label.id in taken and label.adjudicated])  # on what is there by now
    refused += [f"{path}: row {taken[key].row}: {reason}" for key, reason in reasons.items()]
    return Brought(len(taken) - len(reasons), len(good) - len(taken), refused)


def _lines(review: Review, every: Sequence[Label]) -> Iterator[bytes]:
    for label in every:
        place = review.drawn.places[review.number[label.row]]
        yield msgspec.json.encode(msgspec.structs.asdict(label) | {"source": place.source, "part": place.part}) + b"\n"


def _read_lines(data: bytes, path: Path) -> Iterator[tuple[str, Label | str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"{path}:{number}", msgspec.json.decode(line, type=Label)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield f"{path}:{number}", f"not a judgement ({error})"


def _named(label: Label) -> Label:
    """The label with an id: its own, or one that the same content always gets."""
    if label.id:
        return label
    content = msgspec.json.encode(msgspec.structs.replace(label, id=""))
    return msgspec.structs.replace(label, id=hashlib.sha256(content).hexdigest()[:32])


def _content(label: Label) -> tuple[object, ...]:
    """What makes two labels the same judgement, whoever carried it."""
    return label.row, label.reviewer, label.categories, label.note, label.adjudicated, label.abstained
