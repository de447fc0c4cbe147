"""Two public scanners over many snippets of Python at once: ruff's ``S`` rules in one process, bandit as a library.

Which of their rules count was settled on SVEN (342 vulnerable Python functions and their mended forms): S604, S608, B602,
B604, B605 and B608 tell the two apart (216 against 15 for S608); S101, S110, B105, B110, B113 and B311 fire alike on both,
B603 and B607 more on the mended. Rules that SVEN's functions never touch count where their authors rate them high, or where
they name one plain fault (a pickle, a world-writable file, a broken cipher).
"""

from __future__ import annotations

import ast
import logging
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.audit.code.weakness import Weakness, words
from wolfnote.errors import MissingExtra, RunError

RUFF = words("S103 S202 S301 S302 S306 S307 S317 S318 S319 S602 S604 S605 S608 S609 S611 S612 S701 S702 S704")
BANDIT = words("B102 B103 B301 B302 B307 B506 B602 B604 B605 B608 B609 B611 B701 B702 B703")
DYNAMIC = words("S602 S604 S605 B602 B604 B605")
"""Shell rules: they count where the command is no plain string."""
MODULES = words(
    "os subprocess pickle yaml marshal shelve hashlib tempfile requests ssl jinja2 random telnetlib ftplib tarfile zipfile"
)
SECONDS = 120

logging.getLogger("bandit").addHandler(logging.NullHandler())  # a crash inside one of its rules is printed otherwise


class _Place(msgspec.Struct):
    row: int


class _Found(msgspec.Struct):
    code: str | None
    message: str
    filename: str
    location: _Place


def weaknesses(trees: Sequence[tuple[ast.Module, str]]) -> list[list[Weakness]]:
    """What either scanner finds weak, for each parsed snippet. Raises ``MissingExtra`` without ruff or bandit."""
    if not trees:
        return []
    with tempfile.TemporaryDirectory(prefix="wolfnote-") as folder:
        paths = [Path(folder) / f"s{i}.py" for i in range(len(trees))]
        for path, (tree, text) in zip(paths, trees, strict=True):
            path.write_text(_imports(tree) + "\n" + text, encoding="utf-8", errors="replace")
        found: list[dict[int, str]] = [{} for _ in trees]
        for place, at, said in (*_ruff(folder), *_bandit(paths)):
            found[place].setdefault(at - 1, said)
    return [_told(lines, text) for lines, (_, text) in zip(found, trees, strict=True)]


def _told(found: dict[int, str], text: str) -> list[Weakness]:
    lines = text.splitlines()
    told = []
    for at, said in sorted(found.items()):
        line = lines[at - 1] if 0 < at <= len(lines) else ""
        if said.split(" ")[0] not in DYNAMIC or any(mark in line for mark in ("%", "+", "format", "f'", 'f"')):
            told.append(Weakness(said, line))
    return told


def _imports(tree: ast.Module) -> str:
    """One line with the imports that a cut-out function lacks, without which neither scanner knows what ``os`` is."""
    used = {n.value.id for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    given = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
    lacking = sorted((used & MODULES) - given)
    return f"import {', '.join(lacking)}" if lacking else ""


def _ruff(folder: str) -> Iterable[tuple[int, int, str]]:
    try:
        from ruff import find_ruff_bin  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra("ruff", "audit") from None
    words = [find_ruff_bin(), "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero", "--output-format", "json"]
    try:
        done = subprocess.run(  # noqa: S603 - our own binary on our own folder
            [*words, "--select", ",".join(sorted(RUFF)), folder], capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"ruff did not finish: {type(error).__name__}") from error
    for found in msgspec.json.decode(done.stdout, type=list[_Found]):
        if found.code in RUFF:
            yield int(Path(found.filename).stem[1:]), found.location.row, f"{found.code} {found.message[:90]}"


def _bandit(paths: Sequence[Path]) -> Iterable[tuple[int, int, str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks its plug-in loader an old question
            from bandit.core import config, manager  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra("bandit", "audit") from None
    scan: Any = manager.BanditManager(
        config.BanditConfig(), "file", quiet=True, ignore_nosec=True, profile={"include": sorted(BANDIT)}
    )
    scan.files_list = [str(path) for path in paths]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about invalid escapes in the code that it reads
        scan.run_tests()
    for issue in scan.get_issue_list():
        yield int(Path(issue.fname).stem[1:]), issue.lineno, f"{issue.test_id} {issue.text[:90]}"
