"""How an answer is scored: 0–1 an item, None where it cannot be told. One function a score; ``score`` chooses.

exact, contains   without case, punctuation and articles; contains = as whole words
f1                words in common (Rajpurkar et al. 2016, arXiv 1606.05250), of several right answers the likest
json              fits the schema; of the keys that a right answer has, the part that is equal
regex             RE2, so no pattern can hang; numeric: the last number, within ``within``
refusal           says that it cannot or does not know, where that is right

``judge`` and ``style`` need more than the answer: ``grading`` and ``style``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from wolfnote.advise import words
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item, scorer
from wolfnote.errors import InputError, MissingExtra
from wolfnote.text.refusal import refuses

LONGEST = 20_000
"""Characters of an answer that are read."""
UNKNOWN = (
    "i don't know", "i do not know", "i'm not sure", "i am not sure", "not in the passages", "don't say", "do not say",
    "doesn't say", "does not say", "not mentioned", "no information", "not enough information", "can't find", "cannot find",
    "cannot be answered", "can't be answered", "isn't covered", "is not covered", "not stated", "don't have that",
    "do not have that", "don't have information", "do not have information",
)  # fmt: skip
_FENCE = re.compile(r"```[a-z]{0,10}\s")


def score(item: Item, name: str, answer: str) -> float | None:
    """The score of an answer by a rule. Raises ``KeyError`` for a score that is no rule."""
    return RULES[name](item, answer[:LONGEST])


def check(items: Sequence[Item], settings: Settings) -> None:
    """Raise ``InputError`` for a pattern or a schema that is none, before any model is asked."""
    for item in items:
        name = scorer(item, settings)
        if name == "json":
            _checked(item.schema, f"item {item.id}")
        if name in ("regex", "json"):
            score(item, name, "{}")


def _checked(schema: Any, where: str) -> None:
    """Raise ``InputError`` for a pattern that RE2 does not know, wherever in the schema it stands."""
    inside = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in inside:
        if key == "pattern" and isinstance(value, str):
            compiled(value, where)
        if key == "patternProperties" and isinstance(value, dict):
            raise InputError("patternProperties is not supported", where=where, remedy="name the keys under properties")
        _checked(value, where)


def declines(answer: str) -> bool:
    """Whether an answer says that it cannot or does not know; English, by its words."""
    text = answer[:400].lower().replace("’", "'")
    return refuses(answer) or any(phrase in text for phrase in UNKNOWN)


def exact(item: Item, answer: str) -> float:
    """1 for one of the right answers."""
    said = words.plain(answer)
    return float(any(said == words.plain(right) for right in item.answers))


def contains(item: Item, answer: str) -> float:
    """1 for an answer with one of the right ones in it, as whole words."""
    said = f" {words.plain(answer)} "
    return float(any(f" {words.plain(right)} " in said for right in item.answers))


def f1(item: Item, answer: str) -> float:
    """The harmonic mean of precision and recall of words."""
    said = Counter(words.plain(answer).split())
    return max((_overlap(said, Counter(words.plain(right).split())) for right in item.answers), default=0.0)


def numeric(item: Item, answer: str) -> float:
    """1 where the last number of the answer is that of a right one."""
    said = words.numbers(answer)
    right = [numbers[-1] for numbers in map(words.numbers, item.answers) if numbers]
    return float(bool(said) and any(abs(said[-1] - n) <= item.within + 1e-9 * abs(n) for n in right))


def refusal(item: Item, answer: str) -> float:
    """1 for an answer that declines where it should, and does not where it should not."""
    return float(declines(answer) == item.refuse)


def regex(item: Item, answer: str) -> float:
    """1 where the pattern is found. Raises ``InputError`` for one that RE2 does not know."""
    return float(compiled(item.pattern, f"item {item.id}").search(answer) is not None)


def json_schema(item: Item, answer: str) -> float:
    """0 unless it fits the schema; then the part of a right answer's keys that are equal, 1 where none is given."""
    found = _json(answer)
    if found is None or (item.schema is not None and not _fits(found, item)):
        return 0.0
    rights = [right for right in map(_json, item.answers) if right is not None]
    return max((_equal(found, right) for right in rights), default=1.0)


def compiled(pattern: str, where: str) -> Any:
    """A pattern of RE2. Raises ``InputError`` for what it does not know, ``MissingExtra`` without the package."""
    try:
        import re2
    except ModuleNotFoundError:
        raise MissingExtra("google-re2", "advise") from None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        message = error.args[0] if error.args else "not a pattern"
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise InputError(f"not a pattern of RE2 ({text})", where=where, remedy="RE2 knows no look-around and no \\1") from None


def _overlap(said: Counter[str], right: Counter[str]) -> float:
    common = sum((said & right).values())
    return 2 * common / (said.total() + right.total()) if common else float(not said and not right)


def _json(text: str) -> Any:
    """The JSON of an answer, in a code fence or bare; None for what is none."""
    body = text.strip()
    fence = _FENCE.match(body)
    if fence and body.endswith("```"):
        body = body[fence.end() : -3]
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _equal(found: Any, right: Any) -> float:
    if not isinstance(right, dict) or not right:
        return float(found == right)
    same = [isinstance(found, dict) and key in found and found[key] == value for key, value in right.items()]
    return sum(map(bool, same)) / len(right)


def _fits(found: Any, item: Item) -> bool:
    """Whether it fits the schema. Patterns go to RE2; nothing is fetched. Raises ``InputError`` for what is no schema."""
    try:
        from jsonschema import Draft202012Validator, exceptions, validators
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "jsonschema", "advise") from None
    kind: Any = validators.extend(Draft202012Validator, {"pattern": _pattern, "patternProperties": _no_patterns})
    try:
        Draft202012Validator.check_schema(item.schema or {})
        return bool(kind(item.schema, registry=Registry()).is_valid(found))
    except (exceptions.SchemaError, Unresolvable, RecursionError) as error:
        text = str(error).partition("\n")[0][:120]
        raise InputError(f"not a JSON schema ({text})", where=f"item {item.id}", remedy="fix its schema") from None


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Any:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not compiled(pattern, "schema").search(instance[:LONGEST]):
        yield ValidationError("does not match")


def _no_patterns(validator: Any, patterns: Any, instance: Any, schema: Any) -> Any:
    raise InputError("patternProperties is not supported", where="schema", remedy="name the keys under properties")
    yield


RULES: dict[str, Callable[[Item, str], float | None]] = {
    "exact": exact,
    "contains": contains,
    "f1": f1,
    "json": json_schema,
    "regex": regex,
    "numeric": numeric,
    "refusal": refusal,
}
