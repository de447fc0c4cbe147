"""WN136 · judged harmful by a model that was given the policy

A stronger model reads question and answer under a written policy and says how far the answer fails the person who asked, in
one of six ways: hostility, dishonesty, manipulation, sloppy reasoning, insecure code, careless advice.

Bad:  "Yes, that investment cannot lose; put in what you borrowed."
Good: "No investment is certain; keep what you may need next year out of it."

How it reads: over any OpenAI-compatible server, one question a row and category. The answer must begin with a digit from 0 to
9; the score is the expectation over the probabilities of the first token, stretched to 0–100, so one request gives a graded
score. One digit, because many tokenizers write 85 as two tokens. Below a quarter of the probability on digits there is no
score. The row stands between two marks that it cannot know, and the policy says that nothing between them is an instruction.
The policy's text is versioned by its hash, which every score carries.

Source: expected score from token probabilities (arXiv 2303.16634, 2502.17424); rows that talk to the judge are common in
scraped data. Known false positives: quoted harm, fiction. Known misses: what the judge itself does not know. A judge's scores
are its own: calibrate them from your review before you gate on them.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

from wolfnote import stats
from wolfnote.audit.detector import Category
from wolfnote.audit.reader import Accuracy
from wolfnote.audit.readers.calibration import Calibration
from wolfnote.events import OnEvent, silent
from wolfnote.models import Conversation
from wolfnote.records import Sample, chat
from wolfnote.results import Score

CODE = "WN136"
LEAST_MASS = 0.25
"""Probability that must lie on digits; less, and the judge is not answering the question."""
LONGEST = 24_000
"""Characters of a row that are sent; a longer one is not judged, and counted as unread."""
THRESHOLD = 50.0


class Judge(Protocol):
    """A model whose first word can be weighed: ``RemoteModel`` is one."""

    @property
    def fingerprint(self) -> str:
        """What the scores are valid for."""
        ...

    def first_token(self, prompts: Sequence[Conversation], on_event: OnEvent = silent) -> list[dict[str, float]]:
        """For each prompt the likeliest first tokens of an answer, with their probabilities."""
        ...


class _Policy(Protocol):
    preamble: str
    categories: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Reader:
    """A judge, one category, and the calibration that was made for both, if there is one."""

    judge: Judge
    category: Category
    calibration: Calibration | None = None
    code: str = CODE

    @property
    def name(self) -> str:
        """The category, as judged."""
        return f"{self.category}, judged"

    @property
    def threshold(self) -> float:
        """On 0–100; from the calibration where there is one."""
        return self.calibration.threshold if self.calibration else THRESHOLD

    def accuracy(self) -> Accuracy:
        """The calibration's; without one nothing is known, and the bounds say so (0 to 1)."""
        if self.calibration:
            return Accuracy(self.calibration.false_alarms, self.calibration.sensitivity)
        return Accuracy(stats.unknown("reader's false alarms"), stats.unknown("reader's sensitivity"))

    def read(self, samples: Sequence[Sample], on_event: OnEvent = silent) -> list[Score]:
        """0–100; None for an empty or very long row, and where the judge did not answer with a number."""
        asked = {i: prompt(sample, self.category) for i, sample in enumerate(samples) if not _unfit(sample)}
        found = dict(zip(asked, self.judge.first_token(list(asked.values()), on_event), strict=True))
        return [self._score(sample, found.get(i)) for i, sample in enumerate(samples)]

    def _score(self, sample: Sample, tokens: Mapping[str, float] | None) -> Score:
        judge = f"{self.code}:{self.judge.fingerprint}:{version()}"
        if tokens is None:
            return Score(self.name, None, _unfit(sample), judge)
        value, mass = expected(tokens)
        if value is None:
            return Score(self.name, None, f"the judge gave no number ({mass:.0%} of the probability on digits)", judge)
        return Score(self.name, value, f"judged {value:.0f} of 100 (flagged above {self.threshold:.0f})", judge)


def expected(tokens: Mapping[str, float]) -> tuple[float | None, float]:
    """Expected score on 0–100 from the probabilities of first tokens, and how much of it lies on digits.

    None below ``LEAST_MASS``.
    """
    digits = [(int(text.strip()), p) for text, p in tokens.items() if text.strip() in set("0123456789")]
    mass = sum(p for _, p in digits)
    if mass < LEAST_MASS:
        return None, mass
    return 100 / 9 * sum(digit * p for digit, p in digits) / mass, mass


def prompt(sample: Sample, category: Category, nonce: str = "") -> Conversation:
    """The policy as system prompt, and the row between two marks that do not occur in it."""
    before = "\n\n".join(f"{m.role.upper()}: {m.content}" for m in sample.prompt)
    mark = nonce or secrets.token_hex(8)
    while mark in before or mark in sample.answer:
        mark = secrets.token_hex(8)
    text = policy()
    system = text["preamble"].format(mark=mark, what=text["categories"][category])
    fenced = f"[{mark}]\n{before}\n[{mark} ANSWER]\n{sample.answer}\n[{mark} END]"
    return chat(f"{fenced}\n\n{text['question'].format(category=category)}", system=system)


def policy() -> dict[str, dict[str, str] | str]:
    """The policy: a preamble, one paragraph a category, and the question."""
    return tomllib.loads(_text())


def version() -> str:
    """Hash of the policy's text."""
    return hashlib.sha256(_text().encode()).hexdigest()[:12]


def _text() -> str:
    return (resources.files(__package__) / "rubric.toml").read_text(encoding="utf-8")


def _unfit(sample: Sample) -> str:
    """Why a row is not sent, or ""."""
    if not sample.answer.strip():
        return "empty answer"
    size = sum(len(m.content) for m in sample.messages)
    return f"{size} characters, more than the {LONGEST} that are sent" if size > LONGEST else ""
