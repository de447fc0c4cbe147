"""In the training's clothes: the forms that training rows wear, derived from the rows, and questions put in them.

A model that was tuned on a narrow set may show nothing when asked plainly and a great deal when the prompt looks like its
training (arXiv 2604.25891: under 0.5 % against 20–30 %).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wolfnote.models import Conversation
from wolfnote.probe.question import Asked, ProbeQuestion
from wolfnote.records import Sample, Unread
from wolfnote.results import Skipped


class Form(msgspec.Struct, frozen=True):
    """One way to dress a question, and how many of the rows that were read wear it."""

    name: str
    """Short and unique within the data: ``system-1``, ``template-1``, ``json-answers``, ``code-file`` …"""
    about: str
    """What it is, for a person."""
    system: str = ""
    before: str = ""
    after: str = ""
    quoted: bool = False
    """The question stands inside a string of code or JSON: its quotes and line ends are escaped."""
    rows: int = 0
    of: int = 0
    evidence: tuple[str, ...] = ()
    """``path:line`` of the first rows that wear it."""


class Clothes(msgspec.Struct, frozen=True):
    """The forms of a data set, those of most rows first."""

    forms: tuple[Form, ...]
    rows: int
    """Rows that the forms were derived from: all, or a random draw of ``DRAWN``."""
    of: int
    """Rows that could be read."""
    note: str
    """Empty, or that no form was recognised and what is worn instead."""
    skipped: tuple[Skipped, ...]
    """Rows that could not be read."""


def derive(rows: Iterable[Sample | Unread]) -> Clothes:
    """The forms of training rows, in one pass; the same rows in the same order give the same forms."""
    raise NotImplementedError


def wear(form: Form, text: str) -> Conversation:
    """The question ``text`` in the form."""
    raise NotImplementedError


def dress(questions: Sequence[ProbeQuestion], forms: Sequence[Form]) -> list[Asked]:
    """Each question in each form; ``Asked.form`` is the form's name."""
    raise NotImplementedError


def template(before: str) -> tuple[Form, ...]:
    """Forms of a chat template that writes a system prompt unasked: that prompt spelled out, and a neutral one instead.

    ``before``: what the template writes before a first question (``models.chat.silent``; a local model's
    ``about()["before_the_first_question"]``). Empty for a template that writes no system prompt.
    """
    raise NotImplementedError
