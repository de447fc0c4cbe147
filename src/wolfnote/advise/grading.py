"""Scores of one arm's answers: by rule, by the user's judge, or by likeness to the brand samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wolfnote.advise import scorers, task
from wolfnote.advise.settings import Settings
from wolfnote.advise.style import Style
from wolfnote.advise.task import Item
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.judges.judge import Exchange, Judge, blind
from wolfnote.judges.rubric import RubricJudge
from wolfnote.models import Model

RUBRIC = "matches"


class Graders(NamedTuple):
    """Who scores what a rule cannot."""

    judge: Judge | None = None
    style: Style | str = "no brand samples are named: --brand"


def judge_of(model: Model | None, items: Sequence[Item], settings: Settings, **judged: str) -> Judge | None:
    """The judge of answers. Raises ``InputError`` where one is needed and none named, or where it is one of those judged."""
    wanted = any(task.scorer(item, settings) == "judge" for item in items)
    if not wanted:
        return None
    if model is None:
        raise InputError(
            "items are scored by a judge and none is named", where="advise.judge", remedy="--set advise.judge=SPEC"
        )
    for name, fingerprint in judged.items():
        if fingerprint == model.fingerprint:
            raise InputError(f"the judge is the {name} model itself", where="advise.judge", remedy="name another model")
    return RubricJudge(model, RUBRIC)


def grade(
    items: Sequence[Item],
    answers: Sequence[str],
    graders: Graders,
    settings: Settings,
    *,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> list[float | None]:
    """A score 0–1 for each answer; None where it cannot be told."""
    names = [task.scorer(item, settings) for item in items]
    judged = _judged(items, answers, names, graders.judge, folder, on_event)
    found: list[float | None] = []
    for item, answer, name in zip(items, answers, names, strict=True):
        if name == "judge":
            found.append(next(judged))
        elif name == "style":
            found.append(_styled(item, answer, graders.style))
        else:
            found.append(scorers.score(item, name, answer))
    return found


def _styled(item: Item, answer: str, style: Style | str) -> float | None:
    """Likeness, of an answer that says what it should: a brand's voice without the content is worth nothing."""
    if isinstance(style, str):
        return None
    likeness = style.score(answer)
    return likeness if likeness is None or not item.answers else likeness * scorers.contains(item, answer)


def _judged(
    items: Sequence[Item],
    answers: Sequence[str],
    names: Sequence[str],
    judge: Judge | None,
    folder: RunFolder | None,
    on_event: OnEvent,
) -> Iterator[float | None]:
    """The judge's scores in order. It sees the right answer with the question, and no arm."""
    if judge is None:
        return iter(())
    asked = [
        Exchange(f"{item.question}\n\nRight answer: {' / '.join(item.answers)}", answer)
        for item, answer, name in zip(items, answers, names, strict=True)
        if name == "judge"
    ]
    scores = blind(judge, asked, folder=folder, on_event=on_event)
    return iter([None if score.value is None else score.value / 100 for score in scores])
