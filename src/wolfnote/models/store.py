"""Completions on disk: ask once, judge often. One JSON line an answer, appended as it comes.

A completion is known by what it came from: weights, chat template, prompt, sampling, seed and question id. Resuming is a set
difference, merging two stores a concatenation of their files. A line torn by a kill is dropped and its answer asked again; a
line damaged in any other way is an error that names it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from wolfnote import interrupts
from wolfnote.errors import RunError
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models.model import Model, Question, Sampling
from wolfnote.records import Completion, Message

COMPLETIONS = "completions.jsonl"
"""The store's name in a run folder."""
SYNC = 1.0
"""Seconds between flushes to the disk itself: a kill loses nothing, a power cut this much at most, and it is asked again."""


class Entry(msgspec.Struct, frozen=True):
    """One line of the file: the completion, and all that it came from."""

    key: str
    template: str
    prompt: tuple[Message, ...]
    sampling: Sampling
    completion: Completion


class _Key(msgspec.Struct):
    key: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
_decode_key = msgspec.json.Decoder(_Key).decode


class Store:
    """A file of completions, open for reading and appending. Make one with ``Store.hold``."""

    def __init__(self, file: int, path: Path) -> None:
        self.path = path
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}  # key → where its line begins, and how long it is
        self._end = 0
        self._synced = time.monotonic()
        self._index()

    @classmethod
    @contextlib.contextmanager
    def hold(cls, path: Path) -> Iterator[Store]:
        """Open (or begin) the store at ``path`` and keep other writers out until the block ends.

        Raises ``RunError`` when another process holds it or a line is damaged.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunError(f"{path} is in use by another wolfnote: wait for it") from None
            yield cls(file, path)
            os.fsync(file)
        finally:
            os.close(file)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> Completion:
        """The completion of that key. Raises ``KeyError`` where there is none."""
        begin, length = self._places[key]
        return _decode(os.pread(self._file, length, begin)).completion

    def put(self, entry: Entry) -> None:
        """Append a completion; one that is there already stays as it was. Raises ``RunError`` when the disk takes no more."""
        if entry.key in self._places:
            return
        line = _encode(entry) + b"\n"
        with interrupts.postponed():  # the file and what is remembered of it change together
            self._append(line)
            self._places[entry.key] = (self._end, len(line))
            self._end += len(line)
        if time.monotonic() - self._synced > SYNC:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def _append(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise RunError(f"{self.path}: cannot write ({error.strerror}); the same command goes on from here") from None
        if written < len(line):
            os.ftruncate(self._file, self._end)
            raise RunError(f"{self.path}: the disk is full; make room, and the same command goes on from here")

    def _index(self) -> None:
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file, self._end)  # torn by a kill
                    break
                try:
                    key = _decode_key(line).key
                except (msgspec.DecodeError, UnicodeDecodeError):
                    message = f"{self.path}:{number}: not a completion: delete this line, and its answer is asked again"
                    raise RunError(message) from None
                self._places.setdefault(key, (self._end, len(line)))
                self._end += len(line)


def complete(
    store: Store | None,
    model: Model,
    questions: Sequence[Question],
    sampling: Sampling,
    seeds: Sequence[int] = (0,),
    on_event: OnEvent = silent,
) -> list[Completion]:
    """One completion for each question and seed, question by question: those in the store are not asked again.

    Each new one is in the store as soon as it is whole. Question ids must differ.
    """
    if store is None:
        return model.generate(questions, sampling, seeds, on_event)
    keys = {(q.id, seed): key(model, q, sampling, seed) for q in questions for seed in seeds}
    known = sum(k in store for k in keys.values())
    prompts = {q.id: q.messages for q in questions}

    def keep(completion: Completion) -> None:
        name = keys[completion.question_id, completion.seed]
        store.put(Entry(name, model.template, prompts[completion.question_id], sampling, completion))

    def tell(event: Event) -> None:
        on_event(Event(event.step, known + event.done, len(keys)))

    for missing, group in _missing(store, questions, seeds, keys).items():
        model.generate(group, sampling, missing, tell, keep)
        known += len(group) * len(missing)
    return [store.get(name) for name in keys.values()]


def key(model: Model, question: Question, sampling: Sampling, seed: int) -> str:
    """What a completion is known by: 32 hex digits of a SHA-256."""
    source = [model.fingerprint, model.template, question.id, question.messages, sampling, seed]
    return hashlib.sha256(_encode(source)).hexdigest()[:32]


def _missing(
    store: Store, questions: Sequence[Question], seeds: Sequence[int], keys: dict[tuple[str, int], str]
) -> dict[tuple[int, ...], list[Question]]:
    """Questions by the seeds that the store does not have for them."""
    groups: dict[tuple[int, ...], list[Question]] = {}
    for question in questions:
        missing = tuple(seed for seed in seeds if keys[question.id, seed] not in store)
        if missing:
            groups.setdefault(missing, []).append(question)
    return groups
