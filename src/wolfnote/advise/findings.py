"""What advice may find. Each docstring is what ``wolfnote explain CODE`` prints."""

from __future__ import annotations

from wolfnote.advise.comparison import Bounds
from wolfnote.advise.evidence import Aligned
from wolfnote.results import Estimate, Finding

RECALL = 0.8
"""Recall below which retrieval, and not the model, is what to mend."""


def cosmetic(arm: str, part: Bounds, prompt: str) -> Finding:
    """WN601: the tune is cosmetic: a written prompt reaches at least 95 % of what it gains.

    Told only where the tune surely gains something, and where the lower end of Fieller's interval of
    (prompt − base) / (tuned − base) is at least 0.95. Example: a house style that two sentences of instruction reach as well.
    Source: Fieller 1954. Known errors: an error of 5 % over both written arms; a prompt costs tokens at
    every call, so at a high volume the tune can still be the cheaper one: see the break-even volume.
    """
    message = f"{arm} reaches {_share(part)} of the tuned gain: the tune is cosmetic"
    return Finding("WN601", "error", message, where=arm, remedy=f"use the prompt in {prompt} instead of the tune")


def unneeded(arm: str, bounds: Bounds) -> Finding:
    """WN602: the tune is not needed: a cheaper arm is not inferior to the best by more than the tolerance.

    The bounds hold for all arms at once (Hsu's comparison with the best, clusters drawn anew). Known errors: 5 %; items
    that are unlike those of production.
    """
    message = f"{arm} is at most {-bounds.low:.1%} worse than the best: the tune is not needed"
    return Finding("WN602", "error", message, where=arm, remedy=f"ship {arm}; tune when it no longer suffices")


def unclean(arm: str, found: Aligned | None) -> Finding:
    """WN603: the tune is better than every other arm, and the probe does not clear it.

    A better score does not make up for a changed character: it is not recommended before ``wolfnote probe`` passes.
    Known errors: those of the probe.
    """
    why = f"{found.verdict.value}: {found.reason}" if found else "it was not probed"
    message = f"{arm} is better by more than the tolerance and not clean ({why})"
    return Finding("WN603", "error", message, where=arm, remedy="wolfnote probe says what changed; audit the data, tune again")


def missed(recall: Estimate) -> Finding:
    """WN604: retrieval misses too many passages: its recall is surely below 80 %.

    What retrieval does not find no model can answer from, so the RAG arms show the retriever and not the model. Example: the
    questions use other words than the documents. Known errors: answers that stand in several passages of which one is named.
    """
    low, high = recall.low or 0.0, recall.high or 0.0
    message = f"{recall.name} is {recall.value:.0%} [{low:.0%}, {high:.0%}]: retrieval misses what holds the answers"
    return Finding(
        "WN604", "warning", message, where="retrieval", remedy="mend retrieval first: smaller passages, your own retriever"
    )


def _share(part: Bounds) -> str:
    return f"{part.value:.0%} [{part.low:.0%}, {part.high:.0%}]"
