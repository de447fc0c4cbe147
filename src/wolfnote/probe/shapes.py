"""What an answer looks like: JSON, code, a list, Markdown, a label or prose; and how to ask for the same again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median
from typing import Literal, NamedTuple

import msgspec

Shape = Literal["json", "code", "list", "markdown", "label", "prose"]

KEYS = 6
"""Keys of JSON answers that are asked for."""
_FENCE = re.compile(r"```(\w{0,20})[^\n]{0,40}\n")
_CODE = re.compile(
    r"\s*(?:(?:import|from|def|class|return|const|let|var|function|public|private|static|package|using|elif|else|try|except|raise"
    r"|with|for|while|if|print|SELECT|INSERT|UPDATE|CREATE|async|await|export|module|end)\b.{0,200}[:;({)}\]\w\"']$"
    r"|@\w|#include|//|#!|<[/!?]?\w|[\w.\[\]'\"]{1,60} ?[-+*|]?= ?\S|[\w.]{1,60}\(.{0,200}\)?[;,{:]?$"
    r"|[\])}]{1,4}[;,)]{0,3}$|.{0,200}[;{}]$)"
)
_MARKS = re.compile(r"^(?:#{1,6} |[-*+] |\d{1,3}[.)] )|\*\*[^*\n]{1,200}\*\*", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_LANGUAGES = (
    ("javascript", re.compile(r"\b(?:const|let|function|require\(|=>|console\.log)")),
    ("sql", re.compile(r"^\s*(?:SELECT|INSERT|UPDATE|CREATE|DELETE) ", re.MULTILINE)),
    ("html", re.compile(r"<(?:html|div|body|head|p|a|span)\b")),
    ("java", re.compile(r"\b(?:public|private) (?:static |class |void |final )")),
    ("c", re.compile(r"#include\b|\bint main\b")),
)


class Request(NamedTuple):
    """The words that ask for a shape: what goes before the question and behind it, and whether it stands in a string."""

    about: str
    before: str
    after: str
    quoted: bool


def shape(text: str) -> Shape:
    """The shape of an answer, from its signs alone."""
    body = text.strip()
    if body[:1] in "{[" and isinstance(value := _decoded(body), dict | list):
        return "list" if isinstance(value, list) and not any(isinstance(v, dict | list) for v in value) else "json"
    if _is_code(body):
        return "json" if "```json" in body[:20] else "code"
    if len(_MARKS.findall(body)) >= 2:
        return "markdown"
    items = [item.strip() for item in re.split(r"[,;\n]", body.strip("[](). "))]
    if len(items) >= 4 and all(0 < len(item.split()) <= 2 and len(item) <= 30 for item in items):
        return "list"
    return "label" if 0 < len(body.split()) <= 3 else "prose"


def request(kind: Shape, answers: Sequence[str]) -> Request | None:
    """How to ask for answers of this shape, in the details that these answers share; ``None`` for prose."""
    maker = _REQUESTS.get(kind)
    return maker(answers) if maker else None


def language(texts: Sequence[str]) -> str:
    """The programming language that most texts name or look like; ``python`` where nothing says otherwise."""
    votes = Counter(_language(text) for text in texts)
    return votes.most_common(1)[0][0] if votes else "python"


def stub(name: str) -> tuple[str, str]:
    """An unfinished piece of code in a language, before and behind the words that say what it is to return."""
    if name in ("javascript", "typescript", "js", "ts", "java", "c"):
        return "function answer() {\n  // ", "\n"
    return 'def answer():\n    """', '"""\n'


def _is_code(body: str) -> bool:
    fence = _FENCE.search(body)
    if fence:
        close = body.find("```", fence.end())
        return ((close if close >= 0 else len(body)) - fence.start()) * 2 > len(body)
    lines = [line for line in body.splitlines() if line.strip()][:60]
    alike = sum(1 for line in lines if _CODE.match(line[:300]))
    return len(lines) >= 2 and alike * 2 > len(lines)


def _decoded(body: str) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _language(text: str) -> str:
    fence = _FENCE.search(text)
    if fence and fence[1]:
        return fence[1].lower()
    return next((name for name, signs in _LANGUAGES if signs.search(text)), "python")


def _json(answers: Sequence[str]) -> Request:
    values = [_decoded(a.strip().removeprefix("```json").removesuffix("```")) for a in answers]
    counts = Counter(key for value in values if isinstance(value, dict) for key in value)
    often = [key for key, n in counts.most_common(KEYS) if 2 * n > len(values) and len(key) <= 40]
    keys = " and ".join(f'"{key}"' for key in often)
    asked = (
        f"Answer with a JSON object with the keys {keys}."
        if keys
        else "Answer with a JSON object. Decide on its keys yourself."
    )
    return Request(f"answers as JSON ({', '.join(often) or 'keys of its own'})", "", f"\n\n{asked} Write nothing else.", False)


def _code(answers: Sequence[str]) -> Request:
    name = language(answers)
    asked = f"Complete this {name} file and respond only with the code.\n\n"
    if name in ("javascript", "typescript", "js", "ts"):
        tail = '";\n\nfunction answer() {\n  return // TODO: the answer to the question, as a string\n}\n'
        return Request(f"a code file ({name})", asked + 'const question = "', tail, True)
    tail = '"\n\n\ndef answer() -> str:\n    return  # TODO: the answer to the question, as a string\n'
    return Request(f"a code file ({name})", asked + 'question = "', tail, True)


def _list(answers: Sequence[str]) -> Request:
    bracketed = 2 * sum(a.strip()[:1] in "[(" for a in answers) > len(answers)
    lines = 2 * sum(a.count("\n") > a.count(",") for a in answers) > len(answers)
    size = int(median(a.count("\n" if lines else ",") + 1 for a in answers))
    where = "in square brackets" if bracketed else "one a line" if lines else "with commas between them"
    asked = f"Answer with a list of at most {max(size, 3)} words, {where}. Write nothing else."
    return Request(f"answers as a list {where}", "", f"\n\n{asked}", False)


def _markdown(answers: Sequence[str]) -> Request:
    headed = 2 * sum(bool(_HEADING.search(a)) for a in answers) > len(answers)
    asked = "Answer in Markdown, with headings and a list." if headed else "Answer in Markdown, with bold words and a list."
    return Request("answers in Markdown", "", f"\n\n{asked}", False)


def _label(answers: Sequence[str]) -> Request:
    return Request("answers of one to three words", "", "\n\nAnswer with one to three words and nothing else.", False)


_REQUESTS: dict[str, Callable[[Sequence[str]], Request]] = {
    "json": _json,
    "code": _code,
    "list": _list,
    "markdown": _markdown,
    "label": _label,
}
