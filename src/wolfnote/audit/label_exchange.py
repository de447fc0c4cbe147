"""Labels out to other tools and back: JSONL, a judgement a line, and the JSON of Label Studio, a row a task.

A labelling set-up for the tasks (Label Studio's "Labeling Interface")::

    <View>
      <Paragraphs name="row" value="$dialogue" nameKey="author" textKey="text" layout="dialogue"/>
      <Choices name="categories" toName="row" choice="multiple" required="true">
        <Choice value="clean"/><Choice value="hostility"/><Choice value="dishonesty"/><Choice value="manipulation"/>
        <Choice value="sloppy reasoning"/><Choice value="insecure code"/><Choice value="careless advice"/>
        <Choice value="cannot judge"/>
      </Choices>
      <TextArea name="note" toName="row"/> <TextArea name="reviewer" toName="row"/>
    </View>

Tasks name neither part nor flags: who labels there is as blind as here. The reviewer's name travels as a field of its own, for
Label Studio takes only its own accounts for ``completed_by``; where the field is empty, the account is the name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.labels import Label
from wolfnote.audit.review import Review
from wolfnote.errors import InputError

CLEAN, CANNOT = "clean", "cannot judge"
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
    every = [label for found in opinions.values() for label in (*found.reviewers.values(), *found.decisions.values())]
    writers: dict[str, Callable[[], Iterator[bytes]]] = {
        ".jsonl": lambda: _lines(review, every),
        ".json": lambda: _tasks(review, every),
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
    readers = {".jsonl": _read_lines, ".json": _read_tasks}
    if path.suffix not in readers:
        raise InputError("unknown kind of file to read", where=str(path), remedy=REMEDY)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy="check the name") from None
    known = {label.id for label in review.labels.read()}
    taken: dict[str, Label] = {}
    refused: list[str] = []
    old = 0
    for where, label in readers[path.suffix](data, path):
        if isinstance(label, str):
            refused.append(f"{where}: {label}")
        elif label.id in known or label.id in taken:
            old += 1
        else:
            taken[label.id] = label
    reasons = review.say(sorted(taken.values(), key=lambda label: label.adjudicated))
    refused += [f"{path}: row {taken[key].row}: {reason}" for key, reason in reasons.items()]
    return Brought(len(taken) - len(reasons), old, refused)


def _lines(review: Review, every: Sequence[Label]) -> Iterator[bytes]:
    for label in every:
        place = review.drawn.places[review.number[label.row]]
        yield msgspec.json.encode(msgspec.structs.asdict(label) | {"source": place.source, "part": place.part}) + b"\n"


def _read_lines(data: bytes, path: Path) -> Iterator[tuple[str, Label | str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"{path}:{number}", _named(msgspec.json.decode(line, type=Label))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield f"{path}:{number}", f"not a judgement ({error})"


def _tasks(review: Review, every: Sequence[Label]) -> Iterator[bytes]:
    said: dict[str, list[Label]] = {}
    for label in every:
        said.setdefault(label.row, []).append(label)
    for number, place in enumerate(review.drawn.places):
        row = review.drawn.load(number)
        data = {"row": place.row, "dialogue": list(_dialogue(row))}
        task = {"data": data, "annotations": [_annotation(label) for label in said.get(place.row, ())]}
        yield (b",\n" if number else b"[") + msgspec.json.encode(task)
    yield b"]\n"


def _dialogue(row: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for turns, prefix in ((row.get("messages"), ""), (row.get("rejected"), "rejected ")):
        for turn in turns or ():
            content = turn.get("content") or ""
            rest = {key: turn[key] for key in ("tool_calls", "reasoning_content") if turn.get(key)}
            text = content if isinstance(content, str) else msgspec.json.encode(content).decode()
            more = "\n" + msgspec.json.encode(rest).decode() if rest else ""
            yield {"author": f"{prefix}{turn.get('role', '')}", "text": text + more}


def _annotation(label: Label) -> dict[str, Any]:
    choices = [CANNOT] if label.abstained else list(label.categories) or [CLEAN]
    result = [_result("categories", "choices", "choices", choices), _result("reviewer", "textarea", "text", [label.reviewer])]
    if label.note:
        result.append(_result("note", "textarea", "text", [label.note]))
    return {
        "result": result,
        "created_at": label.at,
        "lead_time": label.seconds,
        "ground_truth": label.adjudicated,
        "was_cancelled": False,
    }


def _result(name: str, kind: str, key: str, value: Sequence[str]) -> dict[str, Any]:
    return {"from_name": name, "to_name": "row", "type": kind, "value": {key: value}}


def _read_tasks(data: bytes, path: Path) -> Iterator[tuple[str, Label | str]]:
    try:
        tasks = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not JSON ({error})", where=str(path), remedy=REMEDY) from None
    if not isinstance(tasks, list):
        raise InputError("not a list of tasks", where=str(path), remedy="export as JSON from Label Studio")
    for number, task in enumerate(tasks, 1):
        for annotation in _annotations(task):
            yield f"{path}: task {number}", _label(task, annotation)


def _annotations(task: Any) -> list[Any]:
    found = task.get("annotations") if isinstance(task, dict) else None
    if not isinstance(found, list):
        return [None]
    return [one for one in found if not (isinstance(one, dict) and one.get("was_cancelled"))]


def _label(task: Any, annotation: Any) -> Label | str:
    """An annotation as a label, or why it is none."""
    try:
        row = task["data"]["row"]
        found = {one["from_name"]: one["value"] for one in annotation["result"]}
        choices = found["categories"]["choices"]
        seconds = annotation.get("lead_time") or 0.0
        note = "\n".join(_texts(found.get("note")))
        name = "".join(_texts(found.get("reviewer"))) or _account(annotation.get("completed_by"))
        strange = sorted({*choices} - {CLEAN, CANNOT, *CATEGORIES})
    except (KeyError, TypeError, AttributeError):
        return "no task of ours with categories"
    if strange or not choices or (len(choices) > 1 and {CLEAN, CANNOT} & {*choices}):
        return f"categories that make no sense: {', '.join(map(str, choices)) or 'none'}"
    fields = {
        "row": row, "reviewer": name, "categories": [c for c in CATEGORIES if c in choices], "note": note,
        "at": str(annotation.get("created_at") or ""), "seconds": seconds, "abstained": CANNOT in choices,
        "adjudicated": bool(annotation.get("ground_truth")),
    }  # fmt: skip
    try:
        return _named(msgspec.convert(fields, Label))
    except msgspec.ValidationError as error:
        return f"not a judgement ({error})"


def _texts(value: Any) -> list[str]:
    text = value["text"] if value else []
    return [text] if isinstance(text, str) else [str(part) for part in text]


def _account(completed_by: Any) -> str:
    """The name of an account of Label Studio: an object, or its number."""
    if isinstance(completed_by, dict):
        return str(completed_by.get("email") or completed_by.get("id") or "")
    return "" if completed_by is None else f"label-studio {completed_by}"


def _named(label: Label) -> Label:
    """The label with an id: its own, or one that the same content always gets."""
    if label.id:
        return label
    content = msgspec.json.encode(msgspec.structs.replace(label, id=""))
    return msgspec.structs.replace(label, id=hashlib.sha256(content).hexdigest()[:32])
