"""After the fact: answers that a deployed model gave, against the base's own to the same prompts.

A log is a file of conversations that end in the logged answer. There is no model behind it, so nothing can be weighed and no
draw repeated: one logged answer a prompt, one answer of the base, judged together. Users' prompts are no random questions;
what is said holds for these prompts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from wolfnote.errors import InputError
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.models import Model, Question
from wolfnote.probe import evidence, judging, verdict
from wolfnote.probe.comparison import Besides
from wolfnote.probe.evidence import Evidence
from wolfnote.probe.pairs import Pair, Side
from wolfnote.probe.question import PLAIN
from wolfnote.probe.reading import Settings, drawn
from wolfnote.records import Sample, Unread
from wolfnote.results import Result, Skipped
from wolfnote.settings import Policy

MOST = 200
"""Logged answers that are read; of more, a random draw."""
NAMES = ("base", "logged")


def run(
    base: Model,
    logged: Sequence[Sample],
    settings: Settings,
    *,
    unread: Sequence[Unread] = (),
    policy: Policy = Policy(),  # noqa: B008 - frozen
    besides: Besides = Besides(),  # noqa: B008 - frozen
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """The probe's verdict on a log. NOT RUN without a judge that gates: a log has no likelihoods.

    Raises ``InputError`` for a log without answers.
    """
    rows, skipped = _chosen(logged, unread, settings.seed)
    panel = judging.calibrated(
        judging.panel(besides.judge, settings.preset, besides.judges),
        settings,
        folder=folder,
        on_event=on_event,
        base=base.fingerprint,
    )
    asked = [Question(f"log-{row.id}", row.prompt) for row in rows]
    said = drawn(base, asked, settings.sampling, (settings.seed,), folder, on_event)
    both = [_pair(row, answer.text) for row, answer in zip(rows, said, strict=True)]
    read = judging.read(both, panel.judges, folder=folder, seed=settings.seed, on_event=on_event)
    reason = "a log has no model behind it that could be asked for likelihoods"
    found = Evidence(NAMES, unmeasured=reason, pairs=read, gating=panel.gating, skipped=skipped, samples=1)
    tables = evidence.rows(found, settings) | {"judges": judging.table(panel)}
    placed = {name: folder.table(f"{name}-log", table) for name, table in tables.items()} if folder else {}
    return msgspec.structs.replace(verdict.conclude(found, settings, policy), kind="traffic", tables=placed)


def _chosen(logged: Sequence[Sample], unread: Sequence[Unread], seed: int) -> tuple[list[Sample], tuple[Skipped, ...]]:
    """Different conversations that end in an answer, at most ``MOST``, and what was left out."""
    rows = list({row.id: row for row in logged if row.answer.strip() and row.prompt}.values())
    if not rows:
        remedy = "give conversations that end in the logged answer, one a line; wolfnote convert --help lists the shapes"
        raise InputError("no answers in the log", where="--log", remedy=remedy)
    skipped = []
    if unread:
        skipped.append(Skipped("logged rows", f"could not be read, e.g. {unread[0].reason}", len(unread)))
    if len(logged) > len(rows):
        skipped.append(Skipped("logged rows", "without an answer, or the same as another", len(logged) - len(rows)))
    if len(rows) > MOST:
        skipped.append(Skipped("logged rows", "not read: a random draw was", len(rows) - MOST))
        rows = random.Random(seed).sample(rows, MOST)  # noqa: S311 - a draw that anybody can repeat
    return rows, tuple(skipped)


def _pair(row: Sample, said: str) -> Pair:
    asked = next((m.content for m in reversed(row.prompt) if m.role == "user"), "")
    return Pair(row.id, PLAIN, "log", asked, 0, Side(said), Side(row.answer))
