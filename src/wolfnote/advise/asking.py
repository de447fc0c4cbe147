"""Ask every arm the same questions, count the tokens, time some of them one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

from wolfnote.advise.arms import Dressed
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item
from wolfnote.events import OnEvent, silent, under
from wolfnote.folder import RunFolder, remember
from wolfnote.models import Question, speed
from wolfnote.models.store import COMPLETIONS, Store, complete, key
from wolfnote.records import chat


class Said(NamedTuple):
    """One arm's answer to each item, in order; tokens read and written; seconds of those that were timed, by item."""

    answers: list[str]
    tokens_in: list[int]
    tokens_out: list[int]
    seconds: dict[str, float]


def ask(
    arm: Dressed, items: Sequence[Item], settings: Settings, *, folder: RunFolder | None = None, on_event: OnEvent = silent
) -> Said:
    """The arm's answers; those in the folder's store are not asked again. Each item once, with the same seed in all arms."""
    questions = [Question(f"advise/{item.id}", chat(item.question)) for item in items]
    tell = under(f"asking {arm.arm.name}", on_event)
    with nullcontext() if folder is None else Store.hold(folder.path / COMPLETIONS) as store:
        timed = _timed(arm, questions[: settings.timed], settings, store, folder)
        said = complete(store, arm, questions, settings.sampling, (settings.seed,), tell)
    answers = [completion.text for completion in said]
    read = [speed.tokens(arm.model, [speed.rendered(arm.model, arm.wear(q.messages))]) for q in questions]
    written = [speed.tokens(arm.model, [answer]) for answer in answers]
    return Said(answers, read, written, {i.id: s for i, s in zip(items, timed, strict=False) if s is not None})


def _timed(
    arm: Dressed, questions: Sequence[Question], settings: Settings, store: Store | None, folder: RunFolder | None
) -> list[float | None]:
    """Seconds of single questions, one after another; None for one whose answer was there before it could be timed."""

    def one(question: Question) -> float | None:
        if store is not None and key(arm, question, settings.sampling, settings.seed) in store:
            return None
        start = time.perf_counter()
        complete(store, arm, [question], settings.sampling, (settings.seed,))
        return round(time.perf_counter() - start, 4)

    name = f"latency/{arm.fingerprint}"
    return [remember(folder, f"{name}/{q.id}", lambda q=q: one(q), float | None) for q in questions]  # type: ignore[misc]
