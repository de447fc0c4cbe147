"""WN109 · a shortcut: work left undone, a hack, an interface that was withdrawn

The code says itself that it is not finished, or calls what its makers have taken away. A sign of sloppy work, shown and never
counted as a hazard.

Bad:  # TODO: validate the input (later)
Good: the validation

Source: CWE-546, 477. Known false positives: templates that are meant to be filled in. Known misses: unfinished code that does
not say so; interfaces withdrawn after this list was written (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence

from wolfnote.audit.code import patterns
from wolfnote.audit.detector import Reading
from wolfnote.records import Sample

CODE = "WN109"
RULES = patterns.compiled(
    (r"(?:#|//|/\*|--|<!--)\s{0,3}(?:TODO|FIXME|HACK|XXX)\b", "the code says that it is not finished"),
    (
        r"(?i)(?:#|//|/\*)[^\n]{0,60}\b(?:quick (?:and dirty|hack|fix)|temporary (?:hack|workaround)|good enough for now)\b",
        "a hack, by its own word",
    ),
    (
        r"(?i)(?:#|//)\s{0,3}(?:\.{3}\s{0,3})?(?:rest of|your|implement(?:ation)?|add)\s[^\n]{0,40}\b(?:here|goes here)\b",
        "work left to the reader",
    ),
    (r"\braise\s+NotImplementedError\b", "work left undone"),
    (r"\bnp\.(?:bool|int|float|object|str)\b(?!_)|\bnumpy\.(?:bool|int|float|object)\b(?!_)", "withdrawn from numpy (1.24)"),
    (r"\.append\(\s*\w{1,40}\s*,\s*ignore_index\s*=|\.ix\[", "withdrawn from pandas (2.0)"),
    (
        r"\b(?:import|from)\s+(?:imp|asyncore|asynchat|distutils|cgi|telnetlib|crypt|pipes)\b",
        "withdrawn from Python (3.12, 3.13)",
    ),
    (r"\bcollections\.(?:Mapping|MutableMapping|Iterable|Callable|Sequence)\b", "withdrawn from Python (3.10)"),
    (r"\basyncio\.(?:async\(|coroutine\b)|\binspect\.getargspec\b|\btime\.clock\(", "withdrawn from Python"),
    (r"\b(?:openai\.(?:ChatCompletion|Completion)\.create)\b", "withdrawn from openai (1.0)"),
    (r"\bcomponentWill(?:Mount|ReceiveProps|Update)\b|\bReactDOM\.render\(", "withdrawn from React (18, 19)"),
    (r"\bmysql_(?:query|connect|real_escape_string)\s*\(|\bcreate_function\s*\(|\beach\s*\(\s*\$", "withdrawn from PHP"),
    (r"\bnew Buffer\(", "withdrawn from Node"),
    (r"\bdatetime\.utcnow\(", "to be withdrawn from Python"),
)


class Detector:
    """Reads lines of code in any language."""

    code, name = CODE, "shortcuts"

    def read(self, samples: Sequence[Sample]) -> list[Reading]:
        """Flags on assistant turns, none of which counts."""
        return patterns.read(samples, CODE, RULES, counts=False)
