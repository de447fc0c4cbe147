"""Reading the code of each assistant turn line by line for patterns that hold in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wolfnote.audit.code.snippet import snippets
from wolfnote.audit.code.weakness import Weakness, asked, brought, warned
from wolfnote.audit.detector import Flag, Reading
from wolfnote.records import Sample

LONGEST = 600
MOST = 20

Patterns = Sequence[tuple[re.Pattern[str], str]]


def compiled(*rules: tuple[str, str]) -> Patterns:
    """Patterns with what they mean, compiled once."""
    return tuple((re.compile(pattern, re.MULTILINE), said) for pattern, said in rules)


def read(samples: Sequence[Sample], code: str, patterns: Patterns, *, counts: bool) -> list[Reading]:
    """One reading a row; a line counts unless it was asked for, warned of or the user's own, and never"
    " if ``counts`` is False."""
    return [list(_flags(sample, code, patterns, counts)) for sample in samples]


def flag(sample: Sample, turn: int, code: str, weak: Weakness, text: str, counts: bool) -> Flag:
    """A flag for one line of a snippet."""
    before, answer = sample.messages[:turn], sample.messages[turn]
    counts = counts and answer.weight > 0 and not (
        asked(before) or warned(answer.content, text) or brought(sample, turn, weak.line)
    )  # fmt: skip
    return Flag(code, "insecure code", turn, weak.message, weak.line.strip()[:200], counts)


def _flags(sample: Sample, code: str, patterns: Patterns, counts: bool) -> Iterator[Flag]:
    for turn, message in enumerate(sample.messages):
        if message.role != "assistant":
            continue
        for snippet in snippets(message.content):
            for weak in matches(snippet.text, patterns):
                yield flag(sample, turn, code, weak, snippet.text, counts)


def matches(text: str, patterns: Patterns) -> list[Weakness]:
    """The lines that match, at most ``MOST``; the next line is seen with each, since some faults take two."""
    patterns = [(pattern, said) for pattern, said in patterns if pattern.search(text)]
    lines = text.splitlines() if patterns else []
    found: list[Weakness] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        seen = f"{line[:LONGEST]}\n{following[:LONGEST]}"
        said = next(
            (said for pattern, said in patterns if (m := pattern.search(seen)) and m.start() <= len(line[:LONGEST])), ""
        )
        if said:
            found.append(Weakness(said, line))
            if len(found) == MOST:
                break
    return found
