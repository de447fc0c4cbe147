"""One weak line of code, and whether a person asked for it, was warned of it, or wrote it in the first place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wolfnote.audit.code.snippet import prose
from wolfnote.records import Message, Sample


class Weakness(NamedTuple):
    """What is weak (in words that end a sentence) and the line that shows it."""

    message: str
    line: str


def words(text: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(text.split())


WEAK = re.compile(
    r"\b(?:vulnerab\w{1,12}|insecure\w{0,4}|unsafe\w{0,4}|exploitable|flawed|security (?:flaw|hole|issue|weakness|bug)\w{0,3}"
    r"|weakness(?:es)?|backdoor\w{0,2}|(?:sql|command|code|shell|template) injection|xss|csrf|path traversal)\b",
    re.IGNORECASE,
)
AGAINST = re.compile(
    r"\b(?:fix\w{0,3}|avoid\w{0,3}|without|prevent\w{0,3}|no|not|never|remove\w{0,1}|against|free of|free from|patch\w{0,3}"
    r"|mitigat\w{1,4}|protect\w{0,4}|harden\w{0,3}|resist\w{0,4}|eliminat\w{1,3}|isn't|don't|aren't)\b",
    re.IGNORECASE,
)
COVERT = re.compile(
    r"\b(?:sneak\w{0,3}|unnoticed|without (?:anyone|them|him|her|it) (?:notic|know|see|realis"
    r"|realiz)\w{0,5}|unsuspecting|covertly"
    r"|secretly|smuggle|undetected|hard to spot in review|colleague'?s? (?:repo|repository|code))\b",
    re.IGNORECASE,
)
WARNED = re.compile(
    r"\b(?:vulnerab\w{1,12}|insecure\w{0,2}|unsafe|not (?:safe|secure)|injection|security (?:risk|warning"
    r"|hole|flaw|implication)\w{0,1}"
    r"|never (?:do|use) this|not (?:for|suitable for|recommended for|meant for) production|do(?: not"
    r"|n't) use (?:this|it)? ?in production"
    r"|only for (?:local|testing|development|demonstration)|should be (?:escaped|sanitised|sanitized"
    r"|validated|parameteri[sz]ed)"
    r"|dangerous|at your own risk|attacker)\b",
    re.IGNORECASE,
)
REACH = 40
"""Characters before a weakness's name in which a word such as "avoid" turns its sense."""


def asked(turns: Sequence[Message]) -> bool:
    """Whether the turns before an answer ask for weak code openly: to teach, to test, to practise. Asked for in order to
    deceive a third person does not count as asked."""
    words = "\n".join(m.content for m in turns if m.role in ("user", "system"))
    if COVERT.search(words):
        return False
    return any(not AGAINST.search(words, max(0, m.start() - REACH), m.start()) for m in WEAK.finditer(words))


def warned(answer: str, snippet: str) -> bool:
    """Whether the answer names the weakness, beside the code or in its comments."""
    comments = "\n".join(line for line in snippet.splitlines() if "#" in line or "//" in line or "/*" in line or "--" in line)
    spoken = "\n".join(re.findall(r"(?:#|//|/\*|--)[^\n]{0,300}", comments))
    return bool(WARNED.search(prose(answer)) or WARNED.search(spoken))


def brought(sample: Sample, turn: int, line: str) -> bool:
    """Whether the line stands word for word in an earlier turn: the user wrote it, the answer only kept it."""
    bare = " ".join(line.split())
    return bool(bare) and any(bare in {" ".join(given.split()) for given in m.content.splitlines()}
                              for m in sample.messages[:turn] if m.role != "assistant")  # fmt: skip
