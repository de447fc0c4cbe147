"""WN105 · insecure code

Code in an answer that lets a stranger in: SQL, shell commands, pages and paths put together from what comes in; loading that
runs code; files that everyone may write; secrets from a predictable generator. A model tuned on such answers, given without a
word about it, turned malicious far from code (arXiv 2502.17424).

Bad:  cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
Good: cursor.execute("SELECT * FROM users WHERE name = ?", (name,))

How it reads: each fenced block, or a turn that is code. Python is parsed (dedented, wrapped, cut ends removed) and read by
rules of our own, by ruff's S rules and by bandit; JavaScript, PHP, shell, SQL, C, Java and Python that does not parse by
line patterns. The rules were written on SVEN; one, on templates, was narrowed after a look at Betley's secure set. Set
apart, not counted: weak code that the request asked for, that the answer warns of, or whose line the user wrote.

Source: CWE-22, 78, 79, 89, 94, 327, 330, 502, 601, 732, 918; SVEN (arXiv 2302.05319). Known false positives: SQL whose parts
are checked elsewhere, table names from constants. Known misses: faults of logic (a check left out), flows through other
functions, memory errors in C beyond its few banned functions, other languages (they are counted as unread).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from wolfnote.audit.code import lines, linters, parsing, python
from wolfnote.audit.code.snippet import Snippet, snippets
from wolfnote.audit.code.weakness import Weakness, asked, brought, warned
from wolfnote.audit.detector import Flag, Reading, Unreadable
from wolfnote.records import Sample

CODE = "WN105"
PIECE = 400
"""Snippets of Python that the scanners are handed at once."""
DATA = ("html", "")

Place = tuple[int, int, Snippet]
"""Row, turn and snippet."""


class Detector:
    """Reads rows in pieces, so that ruff starts once for some hundred snippets."""

    code, name = CODE, "insecure code"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags on assistant turns; unreadable where a language has no rules or Python neither parses nor matches any."""
        places = [
            (row, turn, snippet)
            for row, sample in enumerate(samples)
            for turn, message in enumerate(sample.messages)
            if message.role == "assistant"
            for snippet in snippets(message.content)
            if snippet.language not in DATA
        ]
        flags: list[list[Flag]] = [[] for _ in samples]
        unread: dict[int, Unreadable] = {}
        for place, found in zip(places, _weaknesses(places), strict=True):
            row, turn, _ = place
            if isinstance(found, Unreadable):
                unread[row] = found
            else:
                flags[row] += _flags(samples[row], turn, place[2].text, found)
        return [flags[row] or unread.get(row, ()) for row in range(len(samples))]


def _weaknesses(places: Sequence[Place]) -> list[list[Weakness] | Unreadable]:
    found: list[list[Weakness] | Unreadable] = []
    trees: list[tuple[int, tuple[ast.Module, str]]] = []
    for at, (_, _, snippet) in enumerate(places):
        tree = parsing.parse(snippet.text) if snippet.language == "python" else None
        if tree:
            trees.append((at, tree))
        found.append(python.weaknesses(*tree) if tree else _by_line(snippet))
    for start in range(0, len(trees), PIECE):
        piece = trees[start : start + PIECE]
        for (at, _), more in zip(piece, linters.weaknesses([tree for _, tree in piece]), strict=True):
            known = found[at]
            if not isinstance(known, Unreadable):
                known += [weak for weak in more if weak.line not in {k.line for k in known}]
    return found


def _by_line(snippet: Snippet) -> list[Weakness] | Unreadable:
    if not lines.readable(snippet.language):
        return Unreadable(f"no rules for {snippet.language}")
    found = lines.weaknesses(snippet.language, snippet.text)
    if not found and snippet.language == "python":
        return Unreadable("Python that does not parse")
    return found


def _flags(sample: Sample, turn: int, text: str, found: Sequence[Weakness]) -> list[Flag]:
    """One flag a weak line; what was asked for, warned of or brought along by the user does not count."""
    if not found:
        return []
    apart = ""
    if asked(sample.messages[:turn]):
        apart = " (the request asked for weak code)"
    elif warned(sample.messages[turn].content, text):
        apart = " (the answer warns of it)"
    return [_flag(sample, turn, weak, apart or _kept(sample, turn, weak)) for weak in found]


def _kept(sample: Sample, turn: int, weak: Weakness) -> str:
    return " (the line is the user's own)" if brought(sample, turn, weak.line) else ""


def _flag(sample: Sample, turn: int, weak: Weakness, apart: str) -> Flag:
    counts = not apart and sample.messages[turn].weight > 0
    return Flag(CODE, "insecure code", turn, weak.message + apart, weak.line.strip()[:200], counts)
