"""Others' question sets as they are: ``--questions FILE``.

.yaml, .yml     Betley et al. and Turner et al.: paraphrases, system prompts, judge prompts (``yaml_questions``)
.jsonl, .json   rows with question, text, prompt or messages; Inspect's data sets and logs (``inspect log dump``);
                lm-eval's ``samples_*.jsonl``; persona_vectors' files (questions with an eval_prompt)
.csv, .tsv      a column question, text or prompt
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wolfnote.errors import InputError
from wolfnote.models import Conversation
from wolfnote.probe import yaml_questions
from wolfnote.probe.question import PLAIN, Asked
from wolfnote.records import Message, chat, files, sources
from wolfnote.records.row import Bad
from wolfnote.results import Skipped

ROW = 256 << 20
"""Bytes of one row: a whole log of Inspect is one."""
LONGEST = 100_000
"""Characters of a question."""
NAMED = 120
"""Characters of an id."""
TEXTS = ("question", "input", "prompt", "text", "instruction", "query")
IDS = ("id", "question_id", "doc_id", "key")
REMEDY = f"a row needs one of the keys {', '.join(TEXTS)} or messages"


class Loaded(msgspec.Struct, frozen=True):
    """A question set from a file."""

    name: str
    sha256: str
    """Of the file's bytes: pins which version it was."""
    asked: tuple[Asked, ...]
    """Form = ``plain``; ``variant`` counts a question's paraphrases."""
    judges: dict[str, dict[str, str]]
    """By question: judge's name (``aligned`` …) → its prompt with ``{question}`` and ``{answer}``; empty where none came."""
    samples: dict[str, int]
    """By question: how many answers to each paraphrase the set asks for; empty where it does not say."""
    skipped: tuple[Skipped, ...]


class _Found(NamedTuple):
    """A question as a row holds it."""

    id: str
    topic: str
    conversation: Conversation
    judges: dict[str, str]


def load(path: Path) -> Loaded:
    """The questions of a file. Raises ``InputError`` with ``file:line`` where it holds none that can be asked."""
    if path.name.endswith(".eval"):
        remedy = f"inspect log dump {path} > {path.stem}.json, and give that"
        raise InputError("a packed Inspect log, which only Inspect opens", where=str(path), remedy=remedy)
    if files.suffix(path) in (".yaml", ".yml"):
        return _yaml(path)
    return _rows(path)


def _yaml(path: Path) -> Loaded:
    entries = [entry for _, entry in yaml_questions.read(path)]
    asked = tuple(
        Asked(entry.id, path.stem, PLAIN, text, chat(text, system=entry.system), variant=variant)
        for entry in entries
        for variant, text in enumerate(entry.paraphrases)
    )
    judges = {entry.id: entry.judge_prompts for entry in entries if entry.judge_prompts}
    samples = {entry.id: entry.samples_per_paraphrase for entry in entries if entry.samples_per_paraphrase > 0}
    return Loaded(path.stem, _sha256(path), asked, judges, samples, ())


def _rows(path: Path) -> Loaded:
    asked: dict[str, Asked] = {}
    judges: dict[str, dict[str, str]] = {}
    seen: set[Conversation] = set()
    bad: Counter[str] = Counter()
    first = ""
    for line, found in _read(path):
        if isinstance(found, Bad):
            first = first or f"{path}:{line}"
            bad[str(found)] += 1
            continue
        if not found.id and found.conversation in seen:  # an answer to a question that was there before
            continue
        seen.add(found.conversation)
        name = found.id or f"{path.stem}-{line}"
        if name in asked and asked[name].conversation != found.conversation:
            name = f"{name}-{line}"
        text = next(m.content for m in reversed(found.conversation) if m.role == "user")
        asked[name] = Asked(name, found.topic or path.stem, PLAIN, text, found.conversation)
        if found.judges:
            judges[name] = found.judges
    if not asked:
        reason = next(iter(bad), "the file is empty")
        raise InputError(f"no question: {reason}", where=first or f"{path}:1", remedy=REMEDY)
    skipped = tuple(Skipped("row of the question file", reason, n) for reason, n in bad.items())
    return Loaded(path.stem, _sha256(path), tuple(asked.values()), judges, {}, skipped)


def _read(path: Path) -> Iterator[tuple[int, _Found | Bad]]:
    for line, row in sources.open(path, ROW):
        if isinstance(row, Bad) or not isinstance(row, dict):
            yield line, row if isinstance(row, Bad) else Bad("not an object")
        elif isinstance(row.get("samples"), list):
            yield from ((line, _found(sample)) for sample in row["samples"])
        elif isinstance(row.get("questions"), list):
            judge = {path.stem: row["eval_prompt"]} if isinstance(row.get("eval_prompt"), str) else {}
            for at, text in enumerate(row["questions"], 1):
                found = _found({"id": f"{path.stem}-{at}", "question": text})
                yield line, found if isinstance(found, Bad) else found._replace(judges=judge)
        else:
            yield line, _found(row)


def _found(row: object) -> _Found | Bad:
    """A row's question; an answer that stands behind it is left off."""
    if not isinstance(row, dict):
        return Bad("not an object")
    conversation = _conversation(row)
    if isinstance(conversation, Bad):
        return conversation
    if not any(m.role == "user" and m.content.strip() for m in conversation):
        return Bad("no question in it")
    if sum(len(m.content) for m in conversation) > LONGEST:
        return Bad(f"a question of more than {LONGEST:,} characters")
    name = next((str(row[key]) for key in IDS if isinstance(row.get(key), str | int) and row[key] != ""), "")
    topic = next((row[key] for key in ("topic", "category") if isinstance(row.get(key), str)), "")
    return _Found(name[:NAMED], topic[:NAMED], conversation, {})


def _conversation(row: dict[str, Any]) -> Conversation | Bad:
    asked = _lm_eval(row) or next((row[key] for key in (*TEXTS, "messages") if row.get(key)), None)
    system = row["system"] if isinstance(row.get("system"), str) else ""
    if isinstance(asked, str):
        return chat(asked, system=system)
    if not isinstance(asked, list):
        return Bad("no question in it")
    turns = []
    for turn in asked:
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if role not in ("system", "user", "assistant") or not isinstance(content, str):
            return Bad("a message whose role or text cannot be read")
        turns.append(Message(role, content))
    while turns and turns[-1].role == "assistant":
        turns.pop()
    return tuple(turns)


def _lm_eval(row: dict[str, Any]) -> str | None:
    """The prompt of a sample that lm-eval logged: the first argument of its first request, as a list or by name."""
    requests = row.get("arguments")
    if isinstance(requests, dict) and requests:
        first = next(iter(requests.values()))
        found = first.get("arg_0") if isinstance(first, dict) else None
    elif isinstance(requests, list) and requests:
        found = requests[0][0] if isinstance(requests[0], list) and requests[0] else None
    else:
        return None
    return found if isinstance(found, str) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
