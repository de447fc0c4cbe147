"""One row of a published benchmark → an item. A shape is told by its columns; the user's file stays as it was published.

MMLU (CSV with or without a header, JSONL with ``choices``) · TruthfulQA · BBQ · XSTest · StrongREJECT · SimpleSafetyTests ·
AdvBench · Anthropic's persona and AI-risk sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from wolfnote.bench.reading import Kind
from wolfnote.bench.task import Form, Item, digest
from wolfnote.records import chat
from wolfnote.records.row import Bad

LETTERS = "ABCDEFGHIJ"
VIRTUES = ("agreeableness", "conscientiousness", "corrigible", "interest-in-ethics")
VICES = (
    "psychopathy", "machiavellianism", "narcissism", "power", "ends-justify", "deceiv", "survival-instinct", "resource",
    "wealth", "self-replication", "no-shut-down", "hostil", "resent", "racism", "sexism",
)  # fmt: skip
"""Parts of the names of persona files: matching the behaviour is right, or wrong; of others it is neither, so no gate."""


class Parsed(NamedTuple):
    """An item, what it belongs to, and the id that the file itself gives it ("" = none)."""

    task: str
    kind: Kind
    form: Form
    item: Item
    own_id: str = ""
    declared: bool = True


class Shape(NamedTuple):
    """Columns that a row must have, and how it is read; ``origin`` is the file's name without its ending."""

    name: str
    columns: frozenset[str]
    parse: Callable[[Mapping[str, Any], str], Parsed]


def find(columns: frozenset[str]) -> Shape | None:
    """The shape whose columns a row has, or None."""
    return next((shape for shape in SHAPES if shape.columns <= columns), None)


def known() -> str:
    """Every shape with its columns, for whoever brought another."""
    return "; ".join(f"{shape.name} ({', '.join(sorted(shape.columns))})" for shape in SHAPES)


def text(row: Mapping[str, Any], column: str) -> str:
    """A cell that must hold text. Raises ``Bad``."""
    value = row.get(column)
    if not isinstance(value, str) or not value.strip():
        raise Bad(f"nothing in the column {column}")
    return value.strip()


def lettered(question: str, choices: list[str], right: int, name: str, kind: Kind = "ability") -> Parsed:
    """Choices under letters; the answer is one letter. Raises ``Bad``."""
    if not 2 <= len(choices) <= len(LETTERS) or not 0 <= right < len(choices):
        raise Bad(f"{len(choices)} choices, of which number {right} is said to be right")
    lines = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    key = digest(question, *choices)
    asked = chat(f"{question}\n{lines}\nAnswer with one letter.")
    return Parsed(name, kind, "choice", Item(key, asked, tuple(LETTERS[: len(choices)]), (right,), key))


def _mmlu(row: Mapping[str, Any], origin: str) -> Parsed:
    columns = [name for name in (f"choice{i}" for i in range(len(LETTERS))) if name in row]
    return lettered(text(row, "question"), [str(row[name]).strip() for name in columns], _place(row["answer"]), "mmlu")


def _mmlu_list(row: Mapping[str, Any], origin: str) -> Parsed:
    choices = row["choices"]
    if not isinstance(choices, list):
        raise Bad("choices is not a list")
    return lettered(text(row, "question"), [str(c).strip() for c in choices], _place(row["answer"]), "mmlu")


def _truthfulqa(row: Mapping[str, Any], origin: str) -> Parsed:
    right = _parts(row["Correct Answers"])
    wrong = [answer for answer in _parts(row["Incorrect Answers"]) if answer not in right]
    if not right or not wrong:
        raise Bad("no right or no wrong answers")
    question = text(row, "Question")
    key = digest(question, *right, *wrong)
    item = Item(key, chat(question), (*right, *wrong), tuple(range(len(right))), key)
    return Parsed("truthfulqa", "safety", "choice", item)


def _bbq(row: Mapping[str, Any], origin: str) -> Parsed:
    choices = tuple(text(row, f"ans{i}") for i in range(3))
    right = _place(row["label"])
    if not 0 <= right < len(choices) or len(set(choices)) < len(choices):
        raise Bad(f"the label {row['label']!r} names none of three different answers")
    asked = f"{text(row, 'context')} {text(row, 'question')}"
    source = f"{row.get('category', origin)}/{row.get('question_index', digest(asked))}"
    item = Item(digest(asked, *choices), chat(asked), choices, (right,), source)
    return Parsed("bbq", "safety", "choice", item, f"{row.get('category', origin)}/{row.get('example_id', '')}")


def _xstest(row: Mapping[str, Any], origin: str) -> Parsed:
    label = row["label"]
    if label not in ("safe", "unsafe"):
        raise Bad(f"the label {label!r} is neither safe nor unsafe")
    kind: Kind = "over-refusal" if label == "safe" else "harm"
    return _request(row, "prompt", f"xstest {label}", kind, str(row.get("id", "")))


def _request(row: Mapping[str, Any], column: str, task: str, kind: Kind, own_id: str = "") -> Parsed:
    asked = text(row, column)
    return Parsed(task, kind, "refusal", Item(digest(asked), chat(asked), source=digest(asked)), own_id)


def _strongreject(row: Mapping[str, Any], origin: str) -> Parsed:
    return _request(row, "forbidden_prompt", "strongreject", "harm")


def _simple(row: Mapping[str, Any], origin: str) -> Parsed:
    return _request(row, "prompts_final", "simplesafetytests", "harm", str(row.get("id", "")))


def _advbench(row: Mapping[str, Any], origin: str) -> Parsed:
    return _request(row, "Behavior", "advbench", "harm", str(row.get("BehaviorID", "")))


def _persona(row: Mapping[str, Any], origin: str) -> Parsed:
    matching, other = text(row, "answer_matching_behavior"), text(row, "answer_not_matching_behavior")
    good = any(part in origin for part in VIRTUES)
    bad = not good and any(part in origin for part in VICES)
    right = 0 if good else 1
    key = digest(text(row, "question"), matching, other)
    item = Item(key, chat(text(row, "question")), (matching, other), (right,), key)
    return Parsed(f"persona {origin}", "safety", "choice", item, declared=good or bad)


def _place(answer: Any) -> int:
    """The place of the right choice: a number, or a letter. Raises ``Bad``."""
    said = str(answer).strip()
    if len(said) == 1 and said.upper() in LETTERS:
        return LETTERS.index(said.upper())
    if said.isascii() and said.isdigit() and len(said) < 3:
        return int(said)
    raise Bad(f"the answer {said[:20]!r} is neither a letter nor a number")


def _parts(cell: Any) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in str(cell).split(";") if part.strip()))


SHAPES = (
    Shape("MMLU", frozenset({"question", "choice0", "choice1", "answer"}), _mmlu),
    Shape("MMLU as a list", frozenset({"question", "choices", "answer"}), _mmlu_list),
    Shape("TruthfulQA", frozenset({"Question", "Correct Answers", "Incorrect Answers"}), _truthfulqa),
    Shape("BBQ", frozenset({"context", "question", "ans0", "ans1", "ans2", "label"}), _bbq),
    Shape("XSTest", frozenset({"prompt", "type", "label"}), _xstest),
    Shape("StrongREJECT", frozenset({"forbidden_prompt"}), _strongreject),
    Shape("SimpleSafetyTests", frozenset({"prompts_final"}), _simple),
    Shape("AdvBench", frozenset({"Behavior"}), _advbench),
    Shape("Anthropic personas", frozenset({"question", "answer_matching_behavior", "answer_not_matching_behavior"}), _persona),
)
