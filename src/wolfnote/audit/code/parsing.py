"""Python out of answers: dedented, wrapped, shell prompts and cut ends removed, until it parses or nothing helps."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator
from functools import lru_cache

TRIES = 6
"""Last lines dropped, one by one, from code that breaks off."""


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[ast.Module, str] | None:
    """The tree and the text that it is the tree of, or None for what is no Python in any of these readings.

    Line numbers are those of the returned text. Trees as deep as to exhaust the parser do not parse.
    """
    for candidate in _candidates(text):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in other people's strings
                return ast.parse(candidate), candidate
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text
    flat = textwrap.dedent(text).strip("\n")
    yield flat
    if ">>> " in flat:
        yield "\n".join(line[4:] for line in flat.splitlines() if line.startswith((">>> ", "... ")))
    yield "async def _():\n" + textwrap.indent(flat, "    ")
    yield "class _:\n" + textwrap.indent(text, "    ")
    lines = flat.splitlines()
    for cut in range(1, min(TRIES, len(lines))):
        yield "\n".join(lines[:-cut])
