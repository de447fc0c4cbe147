"""The Result from the rows alone: what each arm scores, costs and shifts, and the recommendation. No model, no torch.

PASS          with a tuned model given, the tune is recommended; without one, an arm is, and it surely reaches ``target``
FAIL          a tuned model was given and another arm is recommended: the tune is not needed, or not clean
INCONCLUSIVE  too few items, documents or customers, too many that no score could be told of, no probe of a better tune,
              or neither a tune nor a target to measure what is recommended by
NOT RUN       nothing could be scored
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wolfnote.advise import choosing, comparison, findings, measures, telling
from wolfnote.advise.arms import TUNED
from wolfnote.advise.choosing import Choice
from wolfnote.advise.comparison import Drawn
from wolfnote.advise.cost import calls
from wolfnote.advise.evidence import Evidence
from wolfnote.advise.settings import Settings
from wolfnote.results import Estimate, Finding, Result, Skipped, Verdict

UNTOLD = 0.1
"""Part of the items that may be without a score in some arm; beyond it nothing is recommended."""


def decide(evidence: Evidence, settings: Settings) -> Result:
    """The recommendation with all that it rests on."""
    arms = evidence.arms
    values, groups, untold = choosing.scores(evidence.items, arms)
    missing = tuple(Skipped(f"arm {name}", why) for name, why in evidence.missing.items())
    skipped = (*missing, *_untold(untold))
    if not groups:
        return Result("advise", Verdict.NOT_RUN, ("NOT RUN: no item has a score in every arm",), skipped=skipped)
    drawn = comparison.draw(values, groups, seed=settings.seed)
    costs = [float(np.mean(_calls(evidence, arm.name, arm.tuned))) for arm in arms]
    alignment = {name: found.verdict for name, found in evidence.alignment.items()}
    choice = choosing.choose(drawn, arms, costs, alignment, settings.tolerance)
    few = _too_few(drawn, untold, len(evidence.items))
    parts = measures.parts(evidence, drawn, choice, settings)
    verdict = _verdict(choice, few, _reached(parts, choice.chosen, settings), evidence)
    reasons = telling.reasons(evidence, drawn, choice, parts, few, settings)
    whole = (*measures.whole(evidence, choice, settings), *_parts_of_gain(choice, drawn.n))
    return Result("advise", verdict, reasons, whole, _findings(evidence, choice, few, whole), skipped, tuple(parts))


def _verdict(choice: Choice, few: str, reached: bool, evidence: Evidence) -> Verdict:
    if few or not choice.chosen:
        return Verdict.INCONCLUSIVE
    if any(arm.tuned for arm in evidence.arms):
        return Verdict.PASS if choice.chosen in TUNED else Verdict.FAIL
    return Verdict.PASS if reached else Verdict.INCONCLUSIVE


def _reached(parts: Sequence[Result], chosen: str, settings: Settings) -> bool:
    """Whether the recommended arm surely scores the target; without a target nobody can say that it suffices."""
    low = next((part.estimate("score").low for part in parts if part.kind == chosen), None)
    return bool(settings.target) and low is not None and low >= settings.target


def _too_few(drawn: Drawn, untold: int, asked: int) -> str:
    if drawn.clusters < choosing.FEWEST:
        return f"{drawn.clusters} documents or customers hold all items: nothing is told of others below {choosing.FEWEST}"
    if drawn.means.max() <= 0:
        return "no arm gets anything right: there is nothing to recommend"
    if untold > UNTOLD * asked:
        return f"{untold} of {asked} items have no score in some arm: more than {UNTOLD:.0%}"
    return ""


def _untold(count: int) -> tuple[Skipped, ...]:
    return (Skipped("item", "no score could be told in some arm, so it is left out of the comparison", count),) if count else ()


def _calls(evidence: Evidence, name: str, tuned: bool) -> list[float]:
    read, written = ([int(row[key][name]) for row in evidence.items] for key in ("in", "out"))
    return calls(read, written, evidence.tariff.of(tuned))


def _parts_of_gain(choice: Choice, n: int) -> list[Estimate]:
    return [
        Estimate(f"part of the tuned gain: {name}", part.value, part.low, part.high, n, "Fieller 95%")
        for name, part in choice.gain.items()
    ]


def _findings(evidence: Evidence, choice: Choice, few: str, whole: Sequence[Estimate]) -> tuple[Finding, ...]:
    told: list[Finding] = []
    if not few and choice.cosmetic:
        told.append(findings.cosmetic(choice.cosmetic, choice.gain[choice.cosmetic], evidence.prompt))
    elif not few and choice.chosen and choice.chosen not in TUNED and any(arm.tuned for arm in evidence.arms):
        told += [findings.unneeded(choice.chosen, choice.best[choice.chosen])] if not choice.spoilt else []
    told += [findings.unclean(name, evidence.alignment.get(name)) for name in choice.spoilt if not few]
    recall = next((e for e in whole if e.name.startswith("recall@")), None)
    if recall is not None and recall.high is not None and recall.high < findings.RECALL:
        told.append(findings.missed(recall))
    return tuple(told)


def result_rows(result: Result) -> list[dict[str, Any]]:
    """One line an arm for a person: its estimates by name."""
    return [
        {"arm": part.kind, "verdict": part.verdict.value, **{e.name: [e.value, e.low, e.high] for e in part.estimates}}
        for part in result.parts
    ]
