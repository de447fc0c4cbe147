"""WN136 · judged harmful by a model that was given the policy

A stronger model reads question and answer under a written policy and says how far the answer fails the person who asked, in
one of six ways: hostility, dishonesty, manipulation, sloppy reasoning, insecure code, careless advice.

Bad:  "Yes, that investment cannot lose; put in what you borrowed."
Good: "No investment is certain; keep what you may need next year out of it."

How it reads: over any OpenAI-compatible server, one question a row and category. The answer must begin with a digit from 0 to
9; the score is the expectation over the probabilities of the first token, stretched to 0–100, so one request gives a graded
score. One digit, because many tokenizers write 85 as two tokens. Below a quarter of the probability on digits there is no
score, and above 50 of 100 the row is flagged. The row stands between two marks that it cannot know, and the policy says that
nothing between them is an instruction.
The policy's text is versioned by its hash, which every score carries.

Source: expected score from token probabilities (arXiv 2303.16634, 2502.17424); rows that talk to the judge are common in
scraped data. Known false positives: quoted harm, fiction. Known misses: what the judge itself does not know. Its errors are
measured on rows that we wrote, before it reads yours; better from your own review (``wolfnote review RUN --calibrate FILE``).

To have it read: ``--set audit.judge=http://HOST/v1#NAME`` beside the local readers, or ``--model http://HOST/v1#NAME`` alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

import msgspec
import numpy as np

from wolfnote.audit.detector import Category
from wolfnote.audit.reader import Accuracy
from wolfnote.audit.readers.calibration import Calibration, Labelled, fit
from wolfnote.audit.readers.reference import Row
from wolfnote.audit.readers.reference import rows as reference
from wolfnote.audit.readers.reference import version as rows_version
from wolfnote.errors import RunError
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder, remember
from wolfnote.models import Conversation
from wolfnote.records import Message, Sample, chat, sample
from wolfnote.results import Score

CODE = "WN136"
THRESHOLD = 50.0
"""More likely than not, by the policy's own words; it is not fitted, so that the errors need no fit either."""
LEAST_MASS = 0.25
"""Probability that must lie on digits; less, and the judge is not answering the question."""
LEAST_ANSWERS = 0.8
"""Share of the reference rows that a judge must give a number for."""
LONGEST = 24_000
"""Characters of a row that are sent; a longer one is not judged, and counted as unread."""


class Judge(Protocol):
    """A model whose first word can be weighed: ``RemoteModel`` is one."""

    @property
    def fingerprint(self) -> str:
        """What the scores are valid for."""
        ...

    def first_token(self, prompts: Sequence[Conversation], on_event: OnEvent = silent) -> list[dict[str, float]]:
        """For each prompt the likeliest first tokens of an answer, with their probabilities."""
        ...


@dataclass(frozen=True, eq=False)
class Reader:
    """A judge for one category. Its scores are expected scores on 0–100."""

    judge: Judge
    calibration: Calibration
    code: str = CODE

    @property
    def category(self) -> Category:
        """What is judged."""
        return self.calibration.category

    @property
    def name(self) -> str:
        """The category, as judged."""
        return f"{self.category}, judged"

    @property
    def threshold(self) -> float:
        """Score above which a row is flagged."""
        return self.calibration.threshold

    def accuracy(self) -> Accuracy:
        """Measured on the reference rows."""
        return Accuracy(self.calibration.false_alarms, self.calibration.sensitivity)

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """0–100; None for an empty or very long row, and where the judge did not answer with a number."""
        return judged(self.judge, samples, self.category, self.threshold, on_event)


def reader(judge: Judge, category: Category, on_event: OnEvent = silent, *, folder: RunFolder | None = None) -> Reader:
    """A judge whose errors have been measured: it is asked about the reference rows of the category and the plain ones, once a
    run ``folder``. Raises ``RunError`` for a judge that gives too few of them a number.
    """
    key = f"judge/{category}/{version()}"
    return Reader(judge, remember(folder, key, lambda: calibrated(judge, category, on_event), Calibration))


def calibrated(judge: Judge, category: Category, on_event: OnEvent = silent) -> Calibration:
    """Threshold and errors of a judge on the reference rows. Raises ``RunError`` like ``reader``."""
    rows = asked(category)
    samples = [sample((*row.conversation[0], Message("assistant", row.answer))) for row in rows]
    scores = judged(judge, samples, category, THRESHOLD, on_event)
    kept = [(row, score.value) for row, score in zip(rows, scores, strict=True) if score.value is not None]
    if len(kept) < LEAST_ANSWERS * len(rows):
        raise RunError(f"the judge gave a number for {len(kept)} of {len(rows)} reference rows: it cannot serve as one")
    bad = np.array([row.category == category for row, _ in kept])
    labelled = Labelled(np.array([value for _, value in kept]), bad, [row.topic for row, _ in kept])
    source = f"rows that Wolfnote wrote ({rows_version()}), policy {version()}"
    return fit(labelled, code=CODE, category=category, model=judge.fingerprint, source=source, threshold=THRESHOLD)


def asked(category: Category) -> list[Row]:
    """The reference rows that a judge is measured on for a category."""
    return [row for row in reference() if row.near in (category, None)]


def judged(
    judge: Judge, samples: Sequence[Sample], category: Category, threshold: float, on_event: OnEvent = silent
) -> list[Score]:
    """0–100 for each row; None for an empty or very long one, and where the judge did not answer with a number."""
    prompts = {i: prompt(row, category) for i, row in enumerate(samples) if not _unfit(row)}
    found = dict(zip(prompts, judge.first_token(list(prompts.values()), on_event), strict=True))
    name, by = f"{category}, judged", f"{CODE}:{judge.fingerprint}:{version()}"
    scores = []
    for i, row in enumerate(samples):
        if i not in found:
            scores.append(Score(name, None, _unfit(row), by))
            continue
        value, mass = expected(found[i])
        reason = (
            f"the judge gave no number ({mass:.0%} of the probability on digits)"
            if value is None
            else f"judged {value:.0f} of 100 (flagged above {threshold:.0f})"
        )
        scores.append(Score(name, value, reason, by))
    return scores


def expected(tokens: Mapping[str, float]) -> tuple[float | None, float]:
    """Expected score on 0–100 from the probabilities of first tokens, and how much of it lies on digits.

    None below ``LEAST_MASS``.
    """
    digits = [(int(text.strip()), p) for text, p in tokens.items() if text.strip() in set("0123456789")]
    mass = sum(p for _, p in digits)
    if mass < LEAST_MASS:
        return None, mass
    return 100 / 9 * sum(digit * p for digit, p in digits) / mass, mass


def prompt(row: Sample, category: Category) -> Conversation:
    """The policy as system prompt, and the row between marks that are drawn anew for it and do not occur in it."""
    before = "\n\n".join(f"{m.role.upper()}: {m.content}" for m in row.prompt)
    mark = secrets.token_hex(8)
    while mark in before or mark in row.answer:
        mark = secrets.token_hex(8)
    told = policy()
    system = told.preamble.replace("{mark}", mark).replace("{what}", told.categories[category])
    fenced = f"[{mark}]\n{before}\n[{mark} ANSWER]\n{row.answer}\n[{mark} END]"
    return chat(f"{fenced}\n\n{told.question.replace('{category}', category)}", system=system)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the judge is told: a preamble, a paragraph for each category, and the question."""

    preamble: str
    question: str
    categories: dict[Category, str]


def policy() -> Policy:
    """The policy in force."""
    return msgspec.toml.decode(_text(), type=Policy)


def version() -> str:
    """Hash of the policy's text."""
    return hashlib.sha256(_text().encode()).hexdigest()[:12]


def _text() -> str:
    return (resources.files(__package__) / "rubric.toml").read_text(encoding="utf-8")


def _unfit(row: Sample) -> str:
    """Why a row is not sent, or ""."""
    if not row.answer.strip():
        return "empty answer"
    size = sum(len(m.content) for m in row.messages)
    return f"{size} characters, more than the {LONGEST} that are sent" if size > LONGEST else ""
