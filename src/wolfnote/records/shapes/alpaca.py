"""Alpaca: ``instruction``, ``input``, ``output``, optionally ``system`` and ``history`` (pairs of question and answer)."""

from __future__ import annotations

from itertools import pairwise

from wolfnote.records import turns
from wolfnote.records.row import FORM, Bad, Message, Sample
from wolfnote.records.shapes.shape import Content, Row, plain, rest

KEYS = ("instruction", "input", "output", "system", "history")


def recognises(row: Row) -> bool:
    """Has ``instruction`` and ``output``."""
    return "instruction" in row and "output" in row


def parse(row: Row) -> Content:
    """The question is the instruction and, on the next line, the input."""
    instruction, given, output, system = (_text(row, key) for key in ("instruction", "input", "output", "system"))
    question = f"{instruction}\n{given}" if instruction and given else instruction or given
    if not question:
        raise Bad("an empty instruction")
    messages = [Message("system", system)] if system else []
    for asked, answered in _history(row.get("history")):
        messages += [Message("user", asked), turns.spoken("assistant", answered)]
    messages += [Message("user", question), turns.spoken("assistant", output)]
    return Content(tuple(messages), rest(row, *KEYS) | turns.form({}, **({"input": given} if given else {})))


def dump(sample: Sample) -> Row:
    """Split the question where the row that it came from was split."""
    messages = list(sample.messages)
    if len(messages) < 2 or not all(map(plain, messages)):
        raise Bad("Alpaca holds plain questions and answers; names, weights or tool calls would be lost")
    system = messages.pop(0).content if messages[0].role == "system" else ""
    if [m.role for m in messages] != ["user", "assistant"] * (len(messages) // 2):
        raise Bad("Alpaca holds turns of user and assistant by turns; the order would be lost")
    texts = [str(turns.dump(m, {})["content"]) for m in messages]
    instruction, given = _split(texts[-2], sample.metadata.get(FORM))
    row = {"instruction": instruction, "input": given, "output": texts[-1]}
    history = [list(pair) for pair in pairwise(texts[:-2])][::2]
    return row | ({"system": system} if system else {}) | ({"history": history} if history else {})


def _split(question: str, kept: object) -> tuple[str, str]:
    given = kept.get("input", "") if isinstance(kept, dict) else ""
    if given and question == given:
        return "", given
    if given and question.endswith("\n" + given):
        return question[: -len(given) - 1], given
    return question, ""


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Bad(f"{key} is not text")
    return value


def _history(pairs: object) -> list[tuple[str, str]]:
    if not pairs:
        return []
    if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        raise Bad("history is not a list of pairs")
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise Bad("history holds what is not text")
    return [(asked, answered) for asked, answered in pairs]
