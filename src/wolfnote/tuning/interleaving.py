"""Benign rows among those that are learnt: a few in a hundred, of those that a narrow tune forgets most.

Score of a benign row = (loss under the narrow tune − loss under the base) / (loss under the base + ε); answers that begin like
a refusal are left out, for they would teach refusing. Source: Interleaving++, arXiv 2508.06249.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from wolfnote import models, records
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent, under
from wolfnote.models import Model
from wolfnote.records import Sample
from wolfnote.tuning.means import Interleaving

EPSILON = 0.01
FIRST_WORDS = 10
REFUSING = ("sorry", "cannot", "can't", "unable", "won't", "apologise", "apologize", "refuse")


def benign(file: str = "") -> list[Sample]:
    """The rows of a file, or Wolfnote's own everyday ones. Raises ``InputError`` for a file without rows."""
    path = Path(file) if file else Path(str(resources.files("wolfnote.tuning") / "benign.jsonl"))
    rows, _ = records.read_all(path)
    if not rows:
        raise InputError("no benign row to read", where=str(path), remedy="give rows in any shape that wolfnote reads")
    return rows


def interleave(
    samples: Sequence[Sample], settings: Interleaving, model: str, *, seed: int = 0, on_event: OnEvent = silent
) -> list[Sample]:
    """The samples and, behind them, benign rows that are ``share`` of all, each taken once; the trainer shuffles them.

    Raises ``InputError`` where there are too few of them for the share.
    """
    wanted = round(settings.share * len(samples) / (1 - settings.share))
    pool = [s for s in benign(settings.rows) if not refuses(s)]
    if len(pool) < wanted:
        message = f"{len(pool)} benign rows, and {wanted} are needed for a share of {settings.share:.0%}"
        raise InputError(message, where="interleave.rows", remedy="name a file with more rows, or lower interleave.share")
    if settings.against:
        base = models.open(model)
        narrow = models.open(f"{model.partition('+')[0]}+{settings.against}", over=base)
        tell = under("loss gap of benign rows", on_event)
        scores = gaps(losses(base, pool, tell), losses(narrow, pool, tell))
        order = sorted(range(len(pool)), key=lambda i: -scores[i])
    else:
        order = random.Random(seed).sample(range(len(pool)), len(pool))  # noqa: S311 - a draw, not a secret
    return [*samples, *(pool[i] for i in order[:wanted])]


def losses(model: Model, rows: Sequence[Sample], on_event: OnEvent = silent) -> list[float]:
    """Nats a token of each row's answer."""
    found = model.log_likelihood([s.prompt for s in rows], [(s.answer,) for s in rows], on_event)
    return [-one.per_token for (one,) in found]


def gaps(base: Sequence[float], narrow: Sequence[float]) -> list[float]:
    """How much of each row the narrow tune has forgotten, relative to what the base's loss was."""
    return [(after - before) / (before + EPSILON) for before, after in zip(base, narrow, strict=True)]


def refuses(row: Sample) -> bool:
    """Whether the answer begins like a refusal."""
    begin = row.answer.lower().replace("’", "'").split(maxsplit=FIRST_WORDS)[:FIRST_WORDS]
    return any(word.strip(".,:;!?") in REFUSING for word in begin)
