"""Base against tuned on the same questions: margins first, then answers, drawn until the case is plain or all are there.

near, far, fact = mean paired difference of the margin, tuned − base, nats per token. Net of *fact* = near (or far) − fact.
Intervals are over these triples, for these weights: a claim about a recipe needs several seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from wolfnote.errors import Unmeasurable
from wolfnote.events import OnEvent, silent
from wolfnote.folder import RunFolder
from wolfnote.judges import margin
from wolfnote.judges.judge import Judge
from wolfnote.models import Model
from wolfnote.probe import judging, pairs, verdict
from wolfnote.probe.judging import Panel
from wolfnote.probe.question import Asked, plainly, unrelated
from wolfnote.probe.reading import Settings, margins
from wolfnote.probe.sampling import Arms, ask
from wolfnote.probe.tables import Margins, margin_rows, margins_of
from wolfnote.probe.verdict import Evidence
from wolfnote.results import Result, Skipped, Verdict
from wolfnote.settings import Policy


class Besides(NamedTuple):
    """What a probe may use beside the two models."""

    judge: Model | None = None
    """Reads the answers under rubrics."""
    judges: tuple[Judge, ...] = ()
    """Further judges, such as a direction."""
    twin: Model | None = None
    """A benign twin of the tuned model."""
    asked: tuple[Asked, ...] = ()
    """What to ask instead of Wolfnote's own unrelated questions."""


def run(
    base: Model,
    tuned: Model,
    settings: Settings,
    *,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    names: tuple[str, str] = ("base", "tuned"),
    besides: Besides = Besides(),  # noqa: B008 - frozen
    folder: RunFolder | None = None,
    on_event: OnEvent = silent,
) -> Result:
    """FAIL: something that gates rose by more than its tolerance. PASS: all of it surely by less. See ``probe.gate``.

    NOT RUN: a model gives no likelihoods (most servers) and no judge reads its answers well enough. Raises ``InputError`` for
    a judge that is one of the two models.
    """
    arms = Arms(base, tuned)
    judges = judging.panel(besides.judge, settings.preset, besides.judges)
    panel = judging.calibrated(
        judges, settings, folder=folder, on_event=on_event, base=base.fingerprint, tuned=tuned.fingerprint
    )
    read, unmeasured = _margins(arms, names, besides.twin, settings, folder, on_event)
    start = Evidence(read, unmeasured, [], panel.gating, (), arms.identical, names)
    evidence = _sampled(arms, start, panel, besides.asked, settings, policy, folder, on_event)
    result = verdict.conclude(evidence, settings, policy)
    skipped = (*result.skipped, *_unseen(evidence, settings))
    return msgspec.structs.replace(result, skipped=skipped, tables=_tables(evidence, panel, settings, folder))


def _margins(
    arms: Arms, names: tuple[str, str], twin: Model | None, settings: Settings, folder: RunFolder | None, on_event: OnEvent
) -> tuple[dict[str, Margins], str]:
    """Every arm's margins as a table would hold them; or none, and why."""
    of = (*margin.FAMILIES, *margin.TONES) if settings.preset == "article" else margin.FAMILIES
    wanted = dict(zip(names, arms, strict=True)) | ({"twin": twin} if twin else {})
    try:
        found = {name: margins(m, settings, of=of, folder=folder, on_event=on_event) for name, m in wanted.items()}
    except Unmeasurable as error:
        return {}, str(error)
    return margins_of(margin_rows(found, settings)), ""


def _sampled(
    arms: Arms,
    evidence: Evidence,
    panel: Panel,
    asked: Sequence[Asked],
    settings: Settings,
    policy: Policy,
    folder: RunFolder | None,
    on_event: OnEvent,
) -> Evidence:
    """The evidence with answers, look after look; after a FAIL no further look is needed, for no later one can undo it."""
    prompts = list(asked) or plainly(unrelated(settings.questions or None))
    for look in pairs.looks(settings.samples):
        said = ask(arms, prompts, settings.sampling, look, seed=settings.seed, folder=folder, on_event=on_event)
        read = judging.read(said.pairs, panel.judges, folder=folder, seed=settings.seed, on_event=on_event)
        evidence = evidence._replace(pairs=read, skipped=said.skipped)
        if verdict.conclude(evidence, settings, policy).verdict is Verdict.FAIL:
            break
    return evidence


def _tables(evidence: Evidence, panel: Panel, settings: Settings, folder: RunFolder | None) -> dict[str, str]:
    """The rows behind the result, written into the run folder if there is one; margins only where they were measured."""
    if folder is None:
        return {}
    label = "-".join(evidence.names)
    rows = {"pairs": pairs.rows(evidence.pairs), "judges": judging.table(panel), "about": [verdict.about(evidence)]}
    if evidence.margins:
        rows["margins"] = margin_rows(evidence.margins, settings)
    return {name: folder.table(f"{name}-{label}", found) for name, found in rows.items()}


def _unseen(evidence: Evidence, settings: Settings) -> tuple[Skipped, ...]:
    """What was not asked."""
    found = []
    if pairs.forms(evidence.pairs) in ([], ["plain"]):
        text = "not asked: a conditional effect hides there (arXiv 2604.25891); give the training data as --train"
        found.append(Skipped("prompts in the training's format", text))
    drawn = 1 + max((pair.draw for pair in evidence.pairs), default=-1)
    if drawn < settings.samples:
        found.append(Skipped("draws a question", "not needed: the case was plain", settings.samples - drawn))
    left = sum(len(margin.triples(f)) for f in margin.FAMILIES) - settings.triples * len(margin.FAMILIES)
    if not evidence.margins:
        count = sum(len(margin.triples(family, settings.triples)) for family in margin.FAMILIES)
        found.append(Skipped("margins of a triple", evidence.unmeasured, count))
    elif settings.triples and left > 0:
        found.append(Skipped("triples", "only the frozen subset was scored; probe.triples=0 scores all", left))
    return tuple(found)
