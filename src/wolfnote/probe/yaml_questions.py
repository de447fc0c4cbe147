"""Question files in YAML as Betley et al. and Turner et al. publish them: paraphrases, a system prompt, judge prompts.

Only plain data are read (``safe_load``), tags that would build objects are an error, and so are merge keys, with which a small
file can be made to fill the memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError, MissingExtra
from wolfnote.records import files

LARGEST = 8 << 20
"""Bytes of a file."""
REMEDY = "each entry needs id and paraphrases; judge_prompts, system and samples_per_paraphrase are read if they are there"


class Entry(msgspec.Struct, frozen=True):
    """One question: its paraphrases, and how its authors would judge the answers."""

    id: str
    paraphrases: list[str]
    type: str = ""
    system: str = ""
    samples_per_paraphrase: int = 0
    judge_prompts: dict[str, str] = {}


def read(path: Path) -> list[tuple[str, Entry]]:
    """``file:line`` and entry, in order. Raises ``InputError`` with ``file:line`` for what is no such entry."""
    found = []
    seen: dict[str, str] = {}
    for line, value in _values(path):
        where = f"{path}:{line}"
        try:
            entry = msgspec.convert(value, Entry)
        except msgspec.ValidationError as error:
            raise InputError(f"not a question: {error}", where=where, remedy=REMEDY) from None
        if not entry.paraphrases or not all(text.strip() for text in entry.paraphrases):
            raise InputError(f"the question {entry.id!r} has no text", where=where, remedy="give at least one paraphrase")
        if entry.id in seen:
            raise InputError(f"the id {entry.id!r} stands twice, first at {seen[entry.id]}", where=where, remedy="rename one")
        seen[entry.id] = where
        found.append((where, entry))
    return found


def _values(path: Path) -> list[tuple[int, Any]]:
    """The entries of the list that the file holds, each with its line."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise MissingExtra("PyYAML", "probe") from None
    try:
        loader = _Safe.of(yaml)(_text(path))
        node = loader.get_single_node()
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            line = node.start_mark.line + 1 if node else 1
            raise InputError("not a list of questions", where=f"{path}:{line}", remedy=REMEDY)
        lines = [entry.start_mark.line + 1 for entry in node.value]
        return list(zip(lines, loader.construct_document(node), strict=True))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InputError(f"not plain YAML: {error.problem}", where=where, remedy="fix the file") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise InputError(f"not plain YAML: {reason}", where=str(path), remedy="fix the file") from None


def _text(path: Path) -> str:
    with files.open(path) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(f"more than {LARGEST >> 20} MB of YAML", where=str(path), remedy="give JSONL for so many questions")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(path), remedy="save it as UTF-8") from None


class _Safe:
    """PyYAML's safe loader without merge keys, made when the package is there."""

    @staticmethod
    def of(yaml: Any) -> Any:
        class Loader(yaml.SafeLoader):  # type: ignore[misc]  # a class of a package that is loaded late
            def flatten_mapping(self, node: Any) -> None:
                for key, _ in node.value:
                    if key.tag == "tag:yaml.org,2002:merge":
                        raise yaml.constructor.ConstructorError(None, None, "merge keys (<<) are not read", key.start_mark)

        return Loader
