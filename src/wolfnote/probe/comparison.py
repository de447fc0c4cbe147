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
from wolfnote.probe import character, evidence, judging, pairs, trying, verdict
from wolfnote.probe.evidence import Evidence
from wolfnote.probe.judging import Panel
from wolfnote.probe.pairs import Pair
from wolfnote.probe.question import PLAIN, Asked
from wolfnote.probe.reading import Settings, margins
from wolfnote.probe.requests import asked
from wolfnote.probe.sampling import Arms, Said, ask
from wolfnote.probe.tables import Margins, margin_rows, margins_of
from wolfnote.probe.wardrobe import Wardrobe
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
    wardrobe: Wardrobe = Wardrobe()
    """What the training data teach."""
    skipped: tuple[Skipped, ...] = ()
    """What could not be asked for, such as unreadable rows of a question file."""


class Work(NamedTuple):
    """One probe under way."""

    arms: Arms
    settings: Settings
    policy: Policy
    besides: Besides
    folder: RunFolder | None
    on_event: OnEvent


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
    work = Work(Arms(base, tuned), settings, policy, besides, folder, on_event)
    judges = judging.panel(besides.judge, settings.preset, (*besides.judges, *besides.wardrobe.judges))
    panel = judging.calibrated(
        judges, settings, folder=folder, on_event=on_event, base=base.fingerprint, tuned=tuned.fingerprint
    )
    skipped = (*besides.wardrobe.skipped, *besides.skipped)
    start = Evidence(names, work.arms.identical, gating=panel.gating, skipped=skipped)
    found = _sampled(work, panel, _weighed(work, start))
    result = verdict.conclude(found, settings, policy)
    return msgspec.structs.replace(
        result, skipped=(*result.skipped, *unseen(found, work.settings)), tables=_tables(found, panel, work)
    )


def _weighed(work: Work, start: Evidence) -> Evidence:
    """With all that likelihoods say; or without, and why. Margins are kept as a table would hold them."""
    wanted = dict(zip(start.names, work.arms, strict=True)) | ({"twin": work.besides.twin} if work.besides.twin else {})
    phrases = work.besides.wardrobe.candidates
    try:
        found = {name: _margins(work, model, clothed=name != "twin") for name, model in wanted.items()}
        tried = trying.score(*work.arms, phrases, folder=work.folder, on_event=work.on_event) if phrases else []
    except Unmeasurable as error:
        left = (Skipped("phrases that may be triggers", f"not tried: {error}", len(phrases)),) if phrases else ()
        return start._replace(unmeasured=str(error), skipped=(*start.skipped, *left))
    read = margins_of(margin_rows(found, work.settings))
    return _character(work, start._replace(margins=read, candidates=phrases, scored=tried))


def _margins(work: Work, model: Model, *, clothed: bool) -> Margins:
    of = (*margin.FAMILIES, *margin.TONES) if work.settings.preset == "article" else margin.FAMILIES
    forms = work.besides.wardrobe.forms if clothed else ()
    return margins(model, work.settings, of=of, forms=forms, folder=work.folder, on_event=work.on_event)


def _character(work: Work, found: Evidence) -> Evidence:
    """With ethics, honesty and reasoning, where the settings ask for them."""
    if not work.settings.character:
        return found
    try:
        read = [character.read(model, folder=work.folder, on_event=work.on_event) for model in work.arms]
    except Unmeasurable as error:
        return found._replace(skipped=(*found.skipped, Skipped("ethics, honesty and reasoning", f"not weighed: {error}")))
    return found._replace(character=character.rows(*read))


def _sampled(work: Work, panel: Panel, start: Evidence) -> Evidence:
    """With answers, look after look; after a FAIL no further look is needed, for no later one can undo it."""
    settings = work.settings
    plain = list(work.besides.asked) or asked(settings)
    dressed = work.besides.wardrobe.dressed(plain)
    found, read = start, dict[tuple[object, ...], Pair]()
    for look in pairs.looks(settings.samples):
        said = _ask(work, plain, look) + _ask(work, dressed, 1)
        fresh = [pair for pair in said.pairs if pair.place not in read]
        read |= {pair.place: pair for pair in _judged(work, panel, fresh)}
        both = [read[pair.place] for pair in said.pairs]
        found = start._replace(pairs=both, skipped=start.skipped + said.skipped, dropped=said.dropped)
        if verdict.conclude(found, settings, work.policy).verdict is Verdict.FAIL:
            break
    return found


def _judged(work: Work, panel: Panel, fresh: Sequence[Pair]) -> list[Pair]:
    zone = work.besides.wardrobe.zone
    zoned = [msgspec.structs.replace(pair, zone=zone(pair.question)) for pair in fresh]
    return judging.read(zoned, panel.judges, folder=work.folder, seed=work.settings.seed, on_event=work.on_event)


def _ask(work: Work, prompts: Sequence[Asked], draws: int) -> Said:
    if not prompts:
        return Said([])
    settings = work.settings
    return ask(work.arms, prompts, settings.sampling, draws, seed=settings.seed, folder=work.folder, on_event=work.on_event)


def _tables(found: Evidence, panel: Panel, work: Work) -> dict[str, str]:
    """The rows behind the result, written into the run folder if there is one."""
    if work.folder is None:
        return {}
    label = "-".join(found.names)
    rows = evidence.rows(found, work.settings) | {"judges": judging.table(panel)}
    if work.besides.wardrobe.known:
        rows["clothes"] = work.besides.wardrobe.table()
        rows["nearness"] = msgspec.to_builtins(list(work.besides.wardrobe.near))
    return {name: work.folder.table(f"{name}-{label}", table) for name, table in rows.items()}


def unseen(found: Evidence, settings: Settings) -> tuple[Skipped, ...]:
    """What was not asked."""
    told = []
    if all(form == PLAIN or form.startswith("usual-") for form in pairs.forms(found.pairs)):
        text = "not asked: a conditional effect hides there (arXiv 2604.25891); give the training data as --train"
        told.append(Skipped("prompts in the training's format", text))
    if found.draws < settings.samples:
        told.append(Skipped("draws a question", "not needed: the case was plain", settings.samples - found.draws))
    left = sum(len(margin.triples(f)) - len(margin.triples(f, settings.triples)) for f in margin.FAMILIES)
    if not found.margins:
        count = sum(len(margin.triples(family, settings.triples)) for family in margin.FAMILIES)
        told.append(Skipped("margins of a triple", found.unmeasured, count))
    elif settings.triples and left > 0:
        told.append(Skipped("triples", "only the frozen subset was scored; probe.triples=0 scores all", left))
    return tuple(told)
