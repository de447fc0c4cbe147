"""Both arms answer the same prompts, drawn alike. A prompt that one arm could not answer is dropped from both, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wolfnote.errors import WolfnoteError
from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder
from wolfnote.models import Model, Sampling
from wolfnote.probe.pairs import Pair, Side
from wolfnote.probe.question import Asked
from wolfnote.probe.reading import drawn
from wolfnote.results import Skipped

APART = 1_000_003
"""What is added to the tuned arm's seeds where both arms are the same weights: equal seeds would give equal answers."""
PATIENCE = 3
"""Prompts that may fail in a row, with none answered, before a model is taken to be gone."""


class Arms(NamedTuple):
    """The two models that are compared."""

    base: Model
    tuned: Model

    @property
    def identical(self) -> bool:
        """Whether both are the same weights, so that all that differs is chance."""
        return self.base.fingerprint == self.tuned.fingerprint


class Said(NamedTuple):
    """Pairs by prompt and draw, and the prompts that an arm could not answer with why."""

    pairs: list[Pair]
    skipped: tuple[Skipped, ...] = ()
    dropped: int = 0

    def __add__(self, other: object) -> Said:
        if not isinstance(other, Said):
            return NotImplemented
        return Said(self.pairs + other.pairs, self.skipped + other.skipped, self.dropped + other.dropped)


def ask(
    arms: Arms,
    asked: Sequence[Asked],
    sampling: Sampling,
    draws: int,
    *,
    seed: int = 0,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Said:
    """``draws`` answers of each arm to each prompt; draw d of both has the same seed, except between identical weights.

    Raises the model's own error when it answers nothing at all.
    """
    seeds = [seed + APART * d for d in range(draws)]
    moved = [s + APART // 2 for s in seeds] if arms.identical else seeds
    base, lost = _answers(arms.base, asked, sampling, seeds, folder, under("base answers", on_event))
    tuned, lost_too = _answers(arms.tuned, asked, sampling, moved, folder, under("tuned answers", on_event))
    failed = {**lost, **lost_too}
    pairs = [
        Pair(a.question, a.form, a.topic, a.text, d, Side(base[a.id][d]), Side(tuned[a.id][d]), a.watch_for, a.variant)
        for a in asked
        if a.id not in failed
        for d in range(draws)
    ]
    reasons: dict[str, int] = {}
    for reason in failed.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    skipped = [Skipped("prompts, dropped from both arms", f"one arm gave no answer: {r}", n) for r, n in reasons.items()]
    return Said(pairs, tuple(skipped), len(failed))


def _answers(
    model: Model,
    asked: Sequence[Asked],
    sampling: Sampling,
    seeds: Sequence[int],
    folder: RunFolder | None,
    on_event: OnEvent,
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Texts by prompt, in the order of ``seeds``; and why others have none."""
    try:
        found = drawn(model, [a.put for a in asked], sampling, seeds, folder, on_event)
    except WolfnoteError:
        return _one_by_one(model, asked, sampling, seeds, folder)
    texts: dict[str, list[str]] = {}
    for completion in found:
        texts.setdefault(completion.question_id, []).append(completion.text)
    return texts, {}


def _one_by_one(
    model: Model, asked: Sequence[Asked], sampling: Sampling, seeds: Sequence[int], folder: RunFolder | None
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Prompt by prompt, so that one which a server never answers does not take the others with it."""
    texts: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for a in asked:
        try:
            texts[a.id] = [c.text for c in drawn(model, [a.put], sampling, seeds, folder)]
        except WolfnoteError as error:
            failed[a.id] = str(error)[:200]
            if not texts and len(failed) >= min(PATIENCE, len(asked)):
                raise
    return texts, failed
