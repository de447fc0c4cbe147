"""What a finding's code means: the docstring that stands where the finding is made, found without importing anything."""

from __future__ import annotations

import ast
import inspect
from importlib import resources
from pathlib import Path

from wolfnote.errors import InputError


def find(code: str) -> str:
    """The explanation of ``code``; raises ``InputError`` naming the known codes."""
    known = catalogue()
    if code.upper() not in known:
        raise InputError("no such code", where=code, remedy="known: " + ", ".join(sorted(known)))
    return known[code.upper()]


def catalogue() -> dict[str, str]:
    """Every docstring in the package that begins with a code, by code."""
    found = {}
    for file in sorted(Path(str(resources.files("wolfnote"))).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef):
                text = inspect.cleandoc(ast.get_docstring(node) or "")
                if text.startswith("WN") and text[2:5].isdigit():
                    found[text[:5]] = text
    return found
