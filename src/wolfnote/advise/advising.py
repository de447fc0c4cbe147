"""Ask every arm, score, time, probe, decide. ``run`` is what the command calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from wolfnote.advise import arms as arms_module
from wolfnote.advise import asking, deciding, evidence, grading, groundedness, retrieval, scorers, style, task, telling
from wolfnote.advise.arms import ARMS, Arm, Dressed, Material
from wolfnote.advise.asking import Said
from wolfnote.advise.cost import tariff
from wolfnote.advise.documents import Library
from wolfnote.advise.evidence import SHOWN, Aligned, Evidence, Row, aligned
from wolfnote.advise.grading import Graders
from wolfnote.advise.retrieval import Retriever
from wolfnote.advise.settings import Settings
from wolfnote.advise.task import Item, Tasks
from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.forecast import Prices
from wolfnote.models import Model
from wolfnote.results import Result, Skipped

PROMPT = "prompt.txt"
Alignment = Callable[[Model, Model, str], Result]
"""base, an arm as a model, the arm's name → what a probe of the two says. A verdict other than PASS clears nothing."""


class Models(NamedTuple):
    """Who is asked."""

    base: Model
    tuned: Model | None = None
    judge: Model | None = None


class Beside(NamedTuple):
    """What the arms may use beside the tasks."""

    prompt: str = ""
    """The written prompt; ``drafting.draft`` makes one."""
    library: Library | None = None
    brand: Sequence[str] = ()
    """Samples of how answers should sound."""
    retriever: Retriever | None = None
    """The user's own, in place of ours."""
    alignment: Alignment | None = None
    prices: Prices | None = None


class Work(NamedTuple):
    """One run under way."""

    models: Models
    tasks: Tasks
    beside: Beside
    settings: Settings
    material: Material
    folder: RunFolder | None
    on_event: OnEvent

    def dressed(self, arm: Arm) -> Dressed:
        """A model as this arm asks it."""
        model = self.models.tuned if arm.tuned and self.models.tuned else self.models.base
        return Dressed(model, arm, self.material, self.settings)


def run(
    models: Models,
    tasks: Tasks,
    settings: Settings,
    beside: Beside = Beside(),  # noqa: B008 - frozen
    *,
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """The recommendation; see ``deciding`` for the verdicts. Raises ``InputError`` where nothing is left to ask, or a judge is
    needed and none is named."""
    if not tasks.asked:
        raise InputError("every item is an example", where="tasks", remedy="leave some items to be asked")
    found = arms_module.material(settings, beside.prompt, tasks.examples, beside.library, beside.retriever)
    work = Work(models, tasks, beside, settings, found, folder, on_event)
    scorers.check(tasks.asked, settings)
    graders, unstyled = _graders(work)  # before anything is asked: a missing judge costs nothing yet
    missing = {arm.name: why for arm in ARMS if (why := arms_module.lacks(arm, found, models.tuned is not None))}
    asked = [arm for arm in ARMS if arm.name not in missing]
    said = {arm.name: asking.ask(work.dressed(arm), tasks.asked, settings, folder=folder, on_event=on_event) for arm in asked}
    rows = _rows(work, said, graders)
    seconds = {name: list(each.seconds.values()) for name, each in said.items()}
    prices = tariff(settings, beside.prices)
    read = Evidence(rows, seconds, _aligned(work, asked), missing, prices, PROMPT if folder else "")
    result = deciding.decide(read, settings)
    return _told(work, read, result, (*tasks.skipped, *unstyled, *(beside.library.skipped if beside.library else ())))


def _rows(work: Work, said: dict[str, Said], graders: Graders) -> list[Row]:
    """One row an item, with every arm's answer, score, groundedness and tokens."""
    scored = {
        name: grading.grade(work.tasks.asked, each.answers, graders, work.settings, folder=work.folder, on_event=work.on_event)
        for name, each in said.items()
    }
    return [_row(work, i, item, said, scored) for i, item in enumerate(work.tasks.asked)]


def _row(work: Work, i: int, item: Item, said: dict[str, Said], scored: dict[str, list[float | None]]) -> Row:
    shown = work.material.shown(item.question, work.settings.passages)
    grounded = {name: groundedness.read(each.answers[i], item.question, shown) for name, each in said.items()}
    return {
        "id": item.id,
        "group": item.group,
        "question": item.question[:SHOWN],
        "scorer": task.scorer(item, work.settings),
        "refuse": item.refuse,
        "found": retrieval.found(item, shown) if work.material.passages else None,
        "score": {name: scored[name][i] for name in said},
        "grounded": grounded,
        "declined": {name: scorers.declines(each.answers[i]) for name, each in said.items()},
        "in": {name: each.tokens_in[i] for name, each in said.items()},
        "out": {name: each.tokens_out[i] for name, each in said.items()},
        "said": {name: each.answers[i][:SHOWN] for name, each in said.items()},
    }


def _graders(work: Work) -> tuple[Graders, tuple[Skipped, ...]]:
    """The judge and the style, where items need them; why there is no style."""
    models, items = work.models, work.tasks.asked
    judged = {"base": models.base.fingerprint} | ({"tuned": models.tuned.fingerprint} if models.tuned else {})
    judge = grading.judge_of(models.judge, items, work.settings, **judged)
    styled = sum(task.scorer(item, work.settings) == "style" for item in items)
    if not styled:
        return Graders(judge), ()
    library = work.beside.library
    others = [item.question for item in (*work.tasks.examples, *items)] + [
        p.text for p in (library.passages if library else ())
    ]
    fitted = style.fit(work.beside.brand, others)
    skipped = (Skipped("score of style", fitted, styled),) if isinstance(fitted, str) else ()
    return Graders(judge, fitted), skipped


def _aligned(work: Work, asked: Sequence[Arm]) -> dict[str, Aligned]:
    """What the alignment measure says of every arm but the base itself."""
    measure = work.beside.alignment
    if measure is None:
        return {}
    base = work.dressed(ARMS[0]) if work.settings.system else work.models.base
    found = {}
    for arm in asked:
        if arm.name != "base":
            found[arm.name] = aligned(measure(base, work.dressed(arm), arm.name))
    return found


def _told(work: Work, read: Evidence, result: Result, unread: tuple[Skipped, ...]) -> Result:
    """The result with what was not read; tables, prompt and decision written."""
    unseen = () if work.beside.alignment else (Skipped("alignment", "no arm was probed, so no tune can be recommended"),)
    found = with_unread(result, (*unread, *unseen))
    if work.folder is None:
        return found
    rows = evidence.tables(read) | {"measures": deciding.result_rows(result), "unread": msgspec.to_builtins([*unread, *unseen])}
    places = {name: work.folder.table(name, table) for name, table in rows.items()}
    places |= {f"{arm}: {name}": place for arm, said in read.alignment.items() for name, place in said.tables.items()}
    work.folder.write(PROMPT, work.beside.prompt + "\n")
    decision: dict[str, Any] = telling.decision(found, read, work.settings)
    work.folder.write("decision.json", json.dumps(decision, indent=2, ensure_ascii=False) + "\n")
    return msgspec.structs.replace(found, tables=places)


def with_unread(result: Result, unread: tuple[Skipped, ...]) -> Result:
    """The result with what was not read before what was not compared, and a line for each document and for a missing style."""
    told = ("document ", "score ")
    notes = tuple(f"not read: {s.what.removeprefix(told[0])}: {s.reason}" for s in unread if s.what.startswith(told))
    return msgspec.structs.replace(result, reasons=(*result.reasons, *notes), skipped=(*unread, *result.skipped))
