"""The recommendation in sentences: what is said on the terminal, on the page and in ``decision.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wolfnote.advise import measures
from wolfnote.advise.arms import TUNED
from wolfnote.advise.choosing import Choice
from wolfnote.advise.comparison import Drawn
from wolfnote.advise.evidence import Evidence
from wolfnote.advise.settings import Settings
from wolfnote.results import Estimate, Result


def reasons(
    evidence: Evidence, drawn: Drawn, choice: Choice, parts: Sequence[Result], few: str, settings: Settings
) -> tuple[str, ...]:
    """The recommendation first, then what it rests on."""
    told = [few] if few else []
    told.append(recommendation(evidence, choice, settings) if not few else "no arm is recommended")
    if choice.cosmetic and not few:
        told.append(f"cosmetic: {choice.cosmetic} reaches the tuned gain; the prompt is in {evidence.prompt}")
    told += [_spoilt(name, evidence) for name in choice.spoilt if not few]
    told.append(scores(parts))
    told += [_headroom(parts, evidence, settings)] if not any(arm.tuned for arm in evidence.arms) else []
    told += _open(choice, drawn)
    return tuple(told)


def recommendation(evidence: Evidence, choice: Choice, settings: Settings) -> str:
    """One sentence."""
    tolerance = f"{settings.tolerance:.0%}"
    if choice.chosen in TUNED:
        low = choice.tuned[choice.chosen].low
        by = f"better than every untuned arm by at least {low:.1%} (tolerance {tolerance})"
        return f"recommended: {choice.chosen}: {by}, and clean"
    if choice.chosen:
        worse = -choice.best[choice.chosen].low
        without = " No fine-tune is needed." if any(arm.tuned for arm in evidence.arms) else ""
        return (
            f"recommended: {choice.chosen}: the cheapest arm that is not inferior to the best "
            f"(at most {worse:.1%} worse, tolerance {tolerance}).{without}"
        )
    return f"undecided: no arm that may be used is shown to be within {tolerance} of the best"


def scores(parts: Sequence[Result]) -> str:
    """All scores in one line."""
    return "scores: " + ", ".join(f"{part.kind} {_points(part.estimate('score'))}" for part in parts)


def decision(result: Result, evidence: Evidence, settings: Settings) -> dict[str, Any]:
    """What ``decision.json`` holds: the recommendation, every arm, what was missing and what it would take to tell."""
    chosen = next((r.split(": ")[1] for r in result.reasons if r.startswith("recommended: ")), "")
    arms = {
        part.kind: {"verdict": part.verdict.value, "estimates": {e.name: measures.row_of([e], e.name) for e in part.estimates}}
        for part in result.parts
    }
    return {
        "recommended": chosen,
        "verdict": result.verdict.value,
        "reasons": list(result.reasons),
        "tolerance": settings.tolerance,
        "cost_unit": evidence.tariff.unit,
        "prompt": evidence.prompt,
        "arms": arms,
        "missing": dict(evidence.missing),
        "whole": {e.name: measures.row_of([e], e.name) for e in result.estimates},
        "findings": [str(finding) for finding in result.findings],
    }


def _spoilt(name: str, evidence: Evidence) -> str:
    found = evidence.alignment.get(name)
    return f"{name} is better but not cleared by the probe: {found.reason if found else 'it was not probed'}"


def _headroom(parts: Sequence[Result], evidence: Evidence, settings: Settings) -> str:
    """What a tune could still gain, which is all that can be said of one that was not measured."""
    best = max((part.estimate("score") for part in parts), key=lambda e: e.value)
    goal, name = (settings.target, "the target") if settings.target else (1.0, "a perfect score")
    gap, low, high = goal - best.value, goal - (best.high or 1.0), goal - (best.low or 0.0)
    if gap <= 0:
        return f"no tuned model was measured; the best arm reaches {name} by its estimate: there is no headroom to tune for"
    more = "" if settings.target else "; whether to tune is told by advise.target (a score that is enough) or by --tuned"
    return f"no tuned model was measured; the headroom to {name} is {gap:.1%} [{low:.1%}, {high:.1%}]{more}"


def _open(choice: Choice, drawn: Drawn) -> list[str]:
    """What the sample could not decide."""
    named = sorted(choice.wanted.items(), key=lambda each: each[1])
    if not named:
        return []
    told = ", ".join(f"{name} (about {count:,.0f} items)" for name, count in named)
    return [f"not decided with {drawn.n} items in {drawn.clusters} clusters: whether these are within the tolerance: {told}"]


def _points(e: Estimate) -> str:
    return f"{e.value:.1%} [{e.low or 0.0:.1%}, {1.0 if e.high is None else e.high:.1%}]"
