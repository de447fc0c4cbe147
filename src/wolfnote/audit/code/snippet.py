"""Code inside a turn: fenced blocks, or a turn that is code from its first line; its language by fence or by look."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

LANGUAGES = {
    "py": "python", "python": "python", "python3": "python", "python2": "python", "ipython": "python", "pycon": "python",
    "js": "javascript", "javascript": "javascript", "jsx": "javascript", "node": "javascript", "ts": "javascript",
    "typescript": "javascript", "tsx": "javascript", "vue": "javascript",
    "sh": "shell", "bash": "shell", "shell": "shell", "zsh": "shell", "console": "shell", "dockerfile": "shell",
    "sql": "sql", "mysql": "sql", "postgresql": "sql", "sqlite": "sql", "plsql": "sql",
    "c": "c", "cpp": "c", "c++": "c", "h": "c", "cc": "c", "php": "php", "html": "html", "java": "java",
    "go": "go", "golang": "go",
    "cs": "c#", "csharp": "c#", "c#": "c#", "rb": "ruby", "ruby": "ruby", "rust": "rust", "rs": "rust", "kotlin": "kotlin",
    "swift": "swift", "scala": "scala", "perl": "perl", "lua": "lua", "r": "r", "powershell": "powershell", "ps1": "powershell",
}  # fmt: skip
"""What fences say → our word for it. Other fences (output, JSON, diagrams) hold no code that could be read."""

LOOKS = {
    "python": ("def ", "import ", "from ", "class ", "@", "print(", "if __name__", "async def ", "with open("),
    "javascript": ("const ", "let ", "var ", "function ", "app.", "export ", "module.exports", "async function ", "//"),
    "php": ("<?php",),
    "c": ("#include", "int main", "void ", "char *", "static ", "#define "),
    "shell": ("#!/bin/", "#!/usr/bin/env bash", "sudo ", "chmod ", "curl ", "export ", "apt-get "),
    "sql": ("SELECT ", "INSERT INTO ", "UPDATE ", "CREATE TABLE", "GRANT ", "DROP TABLE"),
    "java": ("public class ", "private ", "public static ", "import java"),
    "go": ("package main", "func "),
}
"""How lines of a language begin. A turn without fences is code when two of its lines do, and one of its first three."""

HINT = re.compile(
    r"```|~~~|^(?:import |from \w|def |class |async def |@\w|const |let |var |function |<\?php|#include|#!/"
    r"|SELECT |INSERT |UPDATE |CREATE |GRANT |public |package |func )",
    re.MULTILINE,
)
MOST = 200_000
"""Characters of one snippet that are read; longer ones are no answers."""


class Snippet(NamedTuple):
    """A block of code and its language ("" = its look says nothing)."""

    language: str
    text: str


@lru_cache(maxsize=2048)
def snippets(text: str) -> tuple[Snippet, ...]:
    """The code in ``text``, in order; none for prose. Remembered, since five detectors ask for the same turns."""
    if HINT.search(text) is None:
        return ()
    found = _fenced(text)
    if found:
        return tuple(s for s in found if s.language)
    language = look(text)
    return (Snippet(language, text[:MOST]),) if language and _starts(text, language) else ()


def prose(text: str) -> str:
    """``text`` without its fenced blocks; of a turn that is code, nothing."""
    if "```" not in text and "~~~" not in text:
        return "" if snippets(text) else text
    outside, fence = [], ""
    for line in text.splitlines():
        mark = _fence(line)
        if mark and not fence:
            fence = mark
        elif fence and mark == fence:
            fence = ""
        elif not fence:
            outside.append(line)
    return "\n".join(outside)


def look(text: str) -> str:
    """The language whose lines these seem to be, or ""."""
    counts = dict.fromkeys(LOOKS, 0)
    for line in text.lstrip().splitlines()[:400]:
        bare = line.lstrip()
        for language, starts in LOOKS.items():
            if bare.startswith(starts):
                counts[language] += 1
    best = max(counts, key=lambda language: counts[language])
    decisive = 1 if best in ("php", "sql") or text.lstrip().startswith("#!/") else 2
    return best if counts[best] >= decisive else ""


def _fenced(text: str) -> list[Snippet]:
    found, fence, language, held = [], "", "", list[str]()
    for line in text.splitlines():
        mark = _fence(line)
        if mark and not fence:
            fence, language, held = mark, line.strip().strip("`~").strip().lower().split(" ")[0], []
        elif fence and mark == fence:
            found.append(_snippet(language, held))
            fence = ""
        elif fence:
            held.append(line)
    if fence:
        found.append(_snippet(language, held))
    return found


def _snippet(language: str, lines: list[str]) -> Snippet:
    text = "\n".join(lines)[:MOST]
    return Snippet(LANGUAGES.get(language, "") if language else look(text), text)


def _fence(line: str) -> str:
    bare = line.lstrip()
    return bare[:3] if bare.startswith(("```", "~~~")) else ""


def _starts(text: str, language: str) -> bool:
    first = [line.lstrip() for line in text.lstrip().splitlines()[:3]]
    return any(line.startswith((*LOOKS[language], "#", "//", "/*", '"""', "--")) for line in first)
