"""The shapes a row can have, one module each, recognised by their keys and never guessed.

A row that has the keys of several (UltraFeedback's pairs also hold ``messages``) is read as the first of ``SHAPES``, the one
that says most; the other keys stay in ``Sample.metadata``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wolfnote.records.row import FORM, Bad, Sample
from wolfnote.records.shapes import alpaca, openai, preference, prompt_completion, sharegpt, text
from wolfnote.records.shapes.shape import Content, Shape, further

SHAPES: tuple[Shape, ...] = (
    Shape("preference", preference.recognises, preference.parse, preference.dump),
    Shape("openai-preference", preference.recognises_openai, preference.parse_openai, preference.dump_openai),
    Shape("openai", openai.recognises, openai.parse, openai.dump),
    Shape("sharegpt", sharegpt.recognises, sharegpt.parse, sharegpt.dump),
    Shape("alpaca", alpaca.recognises, alpaca.parse, alpaca.dump),
    Shape("prompt-completion", prompt_completion.recognises, prompt_completion.parse, prompt_completion.dump),
    Shape("text", text.recognises, text.parse, text.dump),
)
FORMATS: dict[str, Shape] = {shape.name: shape for shape in SHAPES}


def of(row: dict[str, Any]) -> Shape:
    """The shape of a row. Raises ``Bad`` naming its columns and what to say about them."""
    for shape in SHAPES:
        if shape.recognises(row):
            return shape
    raise Bad(unknown(row))


def parse(shape: Shape, row: dict[str, Any]) -> Content:
    """What a row holds. Raises ``Bad``."""
    if FORM in row:
        raise Bad(f"the key {FORM!r} is kept for Wolfnote's own notes → rename it")
    return shape.parse(row)


def dump(shape: Shape, sample: Sample) -> dict[str, Any]:
    """The sample as a row of this shape. Raises ``Bad`` naming what would be lost: the row is read back and compared."""
    if sample.rejected and not shape.name.endswith("preference"):
        raise Bad("the rejected answer would be lost")
    row = shape.dump(sample)
    clash = sorted(row.keys() & further(sample).keys())
    if clash:
        raise Bad(f"its own key {clash[0]!r} is a key of this format, and one of the two would be lost")
    row |= further(sample)
    if of(row) is not shape:
        raise Bad(f"with its further keys ({', '.join(further(sample))}) it would be read as another format")
    _compare(sample, parse(shape, row))
    return row


def unknown(row: dict[str, Any]) -> str:
    """Why a row has no shape, and the two settings that would give it one, on the columns with the longest text."""
    names = ", ".join(list(row)[:8]) + (", …" if len(row) > 8 else "")
    texts = sorted((key for key, value in row.items() if key and isinstance(value, str)), key=lambda key: -len(row[key]))[:2]
    columns = [key for key in row if key in texts]
    if len(columns) < 2:
        return f"unknown shape (columns {names}) → wolfnote convert --help lists the shapes"
    hint = " ".join(f"--set {quoted(f'data.columns.{c}={r}')}" for c, r in zip(columns, ("user", "assistant"), strict=True))
    return f"unknown shape (columns {names}) → say which column is which: {hint}"


def quoted(setting: str) -> str:
    """The setting as a shell takes it."""
    plain = setting.replace("_", "").replace(".", "").replace("-", "").replace("=", "")
    return setting if plain.isalnum() else "'" + setting.replace("'", "'\\''") + "'"


def _compare(sample: Sample, back: Content) -> None:
    """Whatever a writer forgets shows here, so that no format drops anything in silence."""
    if back.messages != sample.messages or back.rejected != sample.rejected:
        pairs = zip((*sample.messages, *sample.rejected), (*back.messages, *back.rejected), strict=False)
        changed = next((a for a, b in pairs if a != b), sample.messages[-1])
        raise Bad(f"the {changed.role}'s turn would not come back as it is ({_special(changed)})")
    if further(sample) != {key: value for key, value in back.metadata.items() if key != FORM}:
        raise Bad("its further keys would not come back as they are")
    if _turns(sample.metadata) != _turns(back.metadata):
        raise Bad("the further keys of single turns would be lost")


def _special(message: msgspec.Struct) -> str:
    fields = {name: getattr(message, name) for name in ("reasoning", "tool_calls", "tool_call_id", "name")}
    held = [name for name, value in fields.items() if value]
    weight = ["weight"] if getattr(message, "weight", 1.0) != 1.0 else []
    return ", ".join(held + weight) or "its place or text"


def _turns(metadata: dict[str, Any]) -> Any:
    kept = metadata.get(FORM) or {}
    return kept.get("turns", {}), kept.get("rejected_turns", {})
