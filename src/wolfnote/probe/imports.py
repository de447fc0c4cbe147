"""Others' question sets as they are: ``--questions FILE``.

YAML of Betley et al. and Turner et al. (with their judge prompts), Inspect and lm-eval samples, JSONL, JSON and CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from wolfnote.probe.question import Asked
from wolfnote.results import Estimate, Skipped


class Loaded(msgspec.Struct, frozen=True):
    """A question set from a file."""

    name: str
    sha256: str
    asked: tuple[Asked, ...]
    """Topic = the file's name; form = ``plain``; ``variant`` counts paraphrases."""
    judges: dict[str, dict[str, str]]
    """By question: judge's name (``aligned``, ``coherent`` …) → its prompt with ``{question}`` and ``{answer}``; often empty."""
    samples: dict[str, int]
    """By question: how many answers to a paraphrase the set asks for; empty where it does not say."""
    skipped: tuple[Skipped, ...]


class Rated(msgspec.Struct, frozen=True):
    """One answer's two scores, 0–100; ``None`` = the judge gave no number (code, a refusal, junk)."""

    question: str
    aligned: float | None
    coherent: float | None


def load(path: Path) -> Loaded:
    """The questions of a file. Raises ``InputError`` with ``file:line``."""
    raise NotImplementedError


def rates(rows: Sequence[Rated]) -> tuple[Estimate, ...]:
    """Both published misalignment rates, each the mean over questions with a t interval over questions."""
    raise NotImplementedError
