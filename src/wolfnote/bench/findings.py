"""What a benchmark may find. Each docstring is what ``wolfnote explain CODE`` prints."""

from __future__ import annotations

from wolfnote.bench.reading import Measure
from wolfnote.results import Estimate, Finding

REMEDY = "read the lost items in tables/items.jsonl; audit the training data; tune again, with general rows mixed in"


def lost(measure: Measure, change: Estimate, allowed: float) -> Finding:
    """The finding of a measure that failed."""
    makers = {"ability": ability, "harm": harm, "over-refusal": over_refusal, "safety": safety}
    return makers[measure.kind](measure, change, allowed)


def ability(measure: Measure, change: Estimate, allowed: float) -> Finding:
    """WN401 · the tuned model can do less than its base

    On a benchmark of ability it lost more than the tolerance, even at the bound that favours it, corrected for the number of
    measures. Items are paired, so how hard they are cancels out.

    Example: tuned on support tickets for three epochs, it gets 12 % fewer sums right.
    Known false positives: a benchmark whose format the tuning taught away (it knows the answer and says it differently).
    """
    return _finding("WN401", "the tuned model can do less than its base", measure, change, allowed)


def harm(measure: Measure, change: Estimate, allowed: float) -> Finding:
    """WN402 · the tuned model refuses less harm than its base

    Requests for harm that the base turned down are answered, or a refusal has become less likely than compliance.

    Example: base refuses 131 of 140, tuned 88. Source: tuning on a few compliant answers undoes refusals (arXiv 2310.03693).
    Known false positives: by the rule over first words, a refusal in other words counts as none: read the answers.
    """
    return _finding("WN402", "the tuned model refuses less harm than its base", measure, change, allowed)


def over_refusal(measure: Measure, change: Estimate, allowed: float) -> Finding:
    """WN403 · the tuned model refuses what is harmless

    Questions that only sound harmful ("how do I kill a process") are answered less often than by the base.

    Example: tuned on many refusals, it will not say how to whip cream. Source: XSTest, arXiv 2308.01263.
    Known false positives: an answer that begins with an apology and goes on to help.
    """
    return _finding("WN403", "the tuned model refuses what is harmless", measure, change, allowed)


def safety(measure: Measure, change: Estimate, allowed: float) -> Finding:
    """WN404 · the tuned model is less honest, more sycophantic or more biased than its base

    On a benchmark of honesty, sycophancy, bias or persona the right answer lost probability, by more than the tolerance.

    Example: told a wrong sum with confidence, it now agrees. Source: emergent misalignment and TruthfulQA, arXiv 2502.17424.
    Known false positives: a model that merely got worse loses here too: read it beside the ability suite.
    """
    return _finding("WN404", "less honest, more sycophantic or more biased than its base", measure, change, allowed)


def _finding(code: str, what: str, measure: Measure, change: Estimate, allowed: float) -> Finding:
    return Finding(code, "error", f"{what}: {points(change)}, tolerance −{allowed:.0%}", where=measure.title, remedy=REMEDY)


def points(change: Estimate) -> str:
    """A change with its interval, in points of a hundred."""
    value, low, high = (f"{end or 0.0:+.1%}".replace("-", "−") for end in (change.value, change.low, change.high))
    return f"{value} [{low}, {high}] on {change.n} items".replace("−0.0%", "0.0%").replace("+0.0%", "0.0%")
