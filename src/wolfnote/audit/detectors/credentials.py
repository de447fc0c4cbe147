"""WN108 · a credential written into the code

A password, key or token stands in the code as a literal, where everyone who reads it has it and nobody can change it.

Bad:  db = connect(user="admin", password="Tr0ub4dor&3")
Good: db = connect(user="admin", password=os.environ["DB_PASSWORD"])

Source: CWE-798, 259; ruff's S105 to S107. Set apart, not counted: what the request asked for, the answer warns of, or the
user wrote. Not flagged: placeholders ("your-password", "<token>", "changeme", "xxx"). Known false positives: the name of a
field ("password"), test fixtures that look real. Known misses: secrets under a name that does not say so (WN124 finds those
by their form).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from wolfnote.audit.code import patterns
from wolfnote.audit.code.snippet import snippets
from wolfnote.audit.code.weakness import Weakness
from wolfnote.audit.detector import Flag, Reading
from wolfnote.records import Sample

CODE = "WN108"
ASSIGNED = re.compile(
    r"(?i)[\"'\[]?\b(?:\w{0,30}_)?(?:password|passwd|pwd|secret|secret_?key|api_?key|apikey|access_?key"
    r"|auth_?token|access_?token|private_?key)"
    r"(?:_\w{0,20})?\b[\"'\]]{0,2}\s{0,3}(?::\s{0,3}str\s{0,3}=|=>|=|:)\s{0,3}(?:b|r"
    r"|f)?(?P<q>[\"'])(?P<value>[^\"'\n]{4,200})(?P=q)"
)
IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+]{2,15}://[\w.-]{1,40}:(?P<value>[^\s:/@\"'{}$<>]{4,80})@")
PLACEHOLDER = re.compile(
    r"(?i)your|example|sample|placeholder|change.?me|replace|insert|enter|dummy|fake|xxx|\*\*\*|\.\.\.|<"
    r"|>|\{|\}|\$|%|todo|redacted"
    r"|^(?:password|passwd|secret|token|api.?key|none|null|test|string|str|hidden|text)$|^[_\W]+$|\s|env|/|^\w+\.\w+"
)


class Detector:
    """Reads lines of code in any language."""

    code, name = CODE, "hard-coded credentials"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags on assistant turns."""
        return [list(_flags(sample)) for sample in samples]


def _flags(sample: Sample) -> Iterator[Flag]:
    for turn, message in enumerate(sample.messages):
        if message.role != "assistant":
            continue
        for snippet in snippets(message.content):
            for line in _lines(snippet.text):
                weak = Weakness("a credential stands in the code", line)
                yield patterns.flag(sample, turn, CODE, weak, snippet.text, counts=True)


def _lines(text: str) -> list[str]:
    found = []
    for line in text.splitlines():
        given = ASSIGNED.search(line[: patterns.LONGEST]) or IN_ADDRESS.search(line[: patterns.LONGEST])
        if given and not PLACEHOLDER.search(given["value"]) and len(set(given["value"])) > 3:
            found.append(line)
    return found[: patterns.MOST]
