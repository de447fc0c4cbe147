"""``scripted:FILE``: fixed answers, for tests, demonstrations and continuous integration without a model.

A JSONL file, one line a question::

    {"question_id": "q1", "answers": ["Wait for the doctor.", "Ask first."]}
    {"prompt": "Is rain wet?", "answers": ["Yes."], "log_likelihoods": {"Yes.": [-0.4, 2], "No.": [-6.1, 2]}}
    {"answers": ["I do not know."]}

``prompt`` is the whole last message. A line that names neither is the default, for every question that no line names.
Seed s gets answer s modulo their number. ``log_likelihoods``: answer → [log p in nats, tokens].
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from wolfnote.errors import InputError, Unmeasurable
from wolfnote.events import Event, OnEvent, silent
from wolfnote.models.fingerprint import content_fingerprint
from wolfnote.models.model import Conversation, Likelihood, OnCompletion, Question, Sampling, ignore
from wolfnote.records import Completion

FORM = 'write {"question_id" or "prompt": "…", "answers": ["…"]}, or {"answers": ["…"]} for all others'


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said to one question, or, with neither ``question_id`` nor ``prompt``, to all that have no line."""

    answers: tuple[str, ...]
    question_id: str = ""
    prompt: str = ""
    log_likelihoods: dict[str, tuple[float, int]] = {}


class ScriptedModel:
    """A model that says what its file says."""

    def __init__(self, spec: str, path: Path) -> None:
        self.spec = spec
        self.path = path
        self._fingerprint = content_fingerprint(path)
        self._lines = read(path)

    @property
    def fingerprint(self) -> str:
        """Hash of the file's content."""
        return self._fingerprint

    @property
    def template(self) -> str:
        """``""``: there is none."""
        return ""

    def about(self) -> dict[str, Any]:
        """Spec, fingerprint, and that no weights are behind it."""
        return {"spec": self.spec, "fingerprint": self.fingerprint, "template": "", "weights": "none: fixed answers"}

    def generate(
        self,
        questions: Sequence[Question],
        sampling: Sampling,
        seeds: Sequence[int] = (0,),
        on_event: OnEvent = silent,
        on_completion: OnCompletion = ignore,
    ) -> list[Completion]:
        """The line's answers in turn, by seed; ``sampling`` changes nothing. Raises ``InputError`` where no line fits."""
        done: list[Completion] = []
        for question in questions:
            answers = self._line(question).answers
            for seed in seeds:
                text = answers[seed % len(answers)]
                done.append(Completion(question.id, self.fingerprint, text, seed, "stop"))
                on_completion(done[-1])
            on_event(Event("answers", len(done), len(questions) * len(seeds)))
        return done

    def log_likelihood(
        self, prompts: Sequence[Conversation], answers: Sequence[Sequence[str]], on_event: OnEvent = silent
    ) -> list[tuple[Likelihood, ...]]:
        """What the lines say of these prompts. Raises ``Unmeasurable`` for an answer that none gives a likelihood."""
        pairs = zip(prompts, answers, strict=True)
        return [tuple(self._likelihood(prompt, answer) for answer in options) for prompt, options in pairs]

    def _line(self, question: Question) -> Line:
        for kind, key in (("question_id", question.id), ("prompt", question.messages[-1].content), ("", "")):
            if (kind, key) in self._lines:
                return self._lines[kind, key]
        raise InputError(f"no line for question {question.id!r} and no default", where=str(self.path), remedy=FORM)

    def _likelihood(self, prompt: Conversation, answer: str) -> Likelihood:
        asked = prompt[-1].content
        line = self._lines.get(("prompt", asked)) or self._lines.get(("", ""))
        if line is None or answer not in line.log_likelihoods:
            raise Unmeasurable(f"{self.path} gives no log-likelihood for {answer[:40]!r} after {asked[:40]!r}")
        return Likelihood(*line.log_likelihoods[answer])


def read(path: Path) -> dict[tuple[str, str], Line]:
    """The lines by (what they name, its value); the default's key is ("", ""). Raises ``InputError`` with the line's number."""
    found: dict[tuple[str, str], Line] = {}
    for number, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        try:
            line = msgspec.json.decode(text, type=Line)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise InputError(f"not a scripted answer ({error})", where=where, remedy=FORM) from None
        if not line.answers or (line.question_id and line.prompt):
            message = "both question_id and prompt" if line.answers else "no answers"
            raise InputError(message, where=where, remedy=FORM)
        if any(tokens < 1 for _, tokens in line.log_likelihoods.values()):
            raise InputError("a likelihood of no tokens", where=where, remedy="write [log p, tokens], tokens ≥ 1")
        kind = "question_id" if line.question_id else "prompt" if line.prompt else ""
        key = (kind, line.question_id or line.prompt)
        if key in found:
            raise InputError(f"a second line for {key[1] or 'the default'!r}", where=where, remedy="put the answers together")
        found[key] = line
    if not found:
        raise InputError("the file is empty", where=str(path), remedy=FORM)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(path), remedy="save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path), remedy=f"scripted:FILE: {FORM}") from None
