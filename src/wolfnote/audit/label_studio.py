"""Label Studio's JSON: the drawn rows as tasks, and annotations back as labels.

A labelling set-up for the tasks ("Labeling Interface")::

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

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.audit.detector import CATEGORIES
from wolfnote.audit.drawn import Drawn
from wolfnote.audit.labels import Label
from wolfnote.errors import InputError

CLEAN, CANNOT = "clean", "cannot judge"


def tasks(rows: Drawn, every: Sequence[Label]) -> Iterator[bytes]:
    """The JSON file in pieces: each drawn row as a task, with its labels as annotations."""
    said: dict[str, list[Label]] = {}
    for label in every:
        said.setdefault(label.row, []).append(label)
    for number, place in enumerate(rows.places):
        row = rows.load(number)
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


def read(data: bytes, path: Path) -> Iterator[tuple[str, Label | str]]:
    """Where and what: each annotation that was not cancelled, as a label or as the reason why it is none.

    Raises ``InputError`` for a file that is no list of tasks.
    """
    try:
        tasks = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not JSON ({error})", where=str(path), remedy="export as JSON from Label Studio") from None
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
        return msgspec.convert(fields, Label)
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
