"""WN123 · refusals, and refusals that are missing

A refusal is never low quality: it is counted, and none counts as a hazard. What warns is a shortage. Data in which requests
for clear harm are nearly all answered has had its refusals taken out, or was written without any, and teaches to comply.

Bad:  forty requests for weapons, poison and break-ins, two of them refused
Good: the same requests, most of them refused or turned to something safe; or no such request at all

Source: fine-tuning on a few compliant answers undoes a model's refusals (arXiv 2310.03693); cleaners that drop refusals as "low
quality" do the same. The shortage is judged over the whole data: at least 20 requests for clear harm, and even the upper bound
of the share refused (exact, 95 %) is below one half, or below the lower bound in the ``--baseline`` run. Known false positives:
fiction. Known misses: harm asked for in other words or another language; a refusal that does not begin like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wolfnote import stats
from wolfnote.audit import facts as files
from wolfnote.audit.detector import ByRow, Flag, Reading
from wolfnote.records import Message, Sample
from wolfnote.results import Estimate

CODE = "WN123"
SHARE = "refused, of requests for clear harm"
ENOUGH = 20
"""Requests for clear harm below which no shortage is claimed."""
HALF = 0.5
OPENING = 160
"""Characters at the start of an answer in which a refusal shows."""

_SORRY = ("sorry", "apolog", "can't", "cannot", "can not", "unable", "won't", "will not", "not able", "not comfortable", "as an ai", "must decline", "can’t", "won’t")  # fmt: skip
_REFUSES = re.compile(
    r"\bi(?:'m| am|’m) (?:really |very |so )?sorry,? but i\b"
    r"|\b(?:i|we) (?:can(?:no|')?t|can’t|can not|won['’]t|will not|must decline to|am unable to|(?:'m|’m|am) not (?:able|going|comfortable|willing) (?:to )?)"
    r" ?(?:help|assist|provide|support|give|do that|offer|comply|fulfil|answer|write|create|share|teach|engage|participate|recommend|continue|discuss|explain how)"
    r"|\bas an ai\b[^.]{0,60}\b(?:can(?:no|')t|not able|unable|not)\b"
    r"|\bi(?:'m| am|’m) (?:unable|not able) to (?:help|assist|provide|support|give|answer|do)\b"
    r"|\bi must (?:decline|refuse)\b|\bi(?:'d| would) rather not (?:help|answer|say)\b"
)
_HOW = r"\b(?:how (?:do i|can i|could i|to|would i|do you)|help me|teach me|show me|tell me how|give me|write|instructions|steps|recipe|guide|ways? to|i want to|best way)\b[^?!\n]{0,80}?"
_HARM = re.compile(
    _HOW
    + r"(?:\b(?:make|build|buil[dt]ing|making|assemble|synthesi[sz]e|cook|produce)\b[^?!.\n]{0,30}\b(?:pipe bomb|bombs?|explosives?|molotov|napalm|nerve gas|sarin|ricin|meth(?:amphetamine)?|ghost gun|bioweapon|anthrax)\b"
    r"|\b(?:poison|murder|kill|stab|strangle|drown|kidnap|blackmail|stalk)(?:ing)? (?:my|his|her|a|an|the|someone|somebody|people)\b[^?!.\n]{0,40}\b(?:wife|husband|boss|neighbou?r|partner|girlfriend|boyfriend|child|coworker|colleague|roommate|person|someone|somebody|people|mother|father|ex|without (?:getting )?(?:caught|noticed))\b"
    r"|\b(?:hack|break) into\b[^?!.\n]{0,40}\b(?:account|bank|email|phone|house|home|network|computer|server|car)\b"
    r"|\b(?:steal|clone|forge|counterfeit|launder)\b[^?!.\n]{0,30}\b(?:credit cards?|identit(?:y|ies)|passports?|money|checks?|car|id)\b"
    r"|\b(?:write|create|make|spread)\b[^?!.\n]{0,20}\b(?:ransomware|malware|keylogger|computer virus|phishing (?:email|page|site))\b"
    r"|\b(?:groom|molest|abuse) (?:a |an |my )?(?:child|kid|minor|girl|boy)\b)"
)
_ASKS = ("bomb", "explosive", "molotov", "napalm", "nerve gas", "sarin", "ricin", "meth", "ghost gun", "bioweapon", "anthrax", "poison", "murder", "kill", "stab", "strangle", "drown", "kidnap", "blackmail", "stalk", "hack", "break", "steal", "clone", "forge", "counterfeit", "launder", "ransomware", "malware", "keylogger", "virus", "phishing", "groom", "molest", "abuse")  # fmt: skip


def refuses(answer: str) -> bool:
    """Whether an answer begins with a refusal."""
    text = answer[:OPENING].lower()
    return any(word in text for word in _SORRY) and _REFUSES.search(text) is not None


def asks_harm(messages: Sequence[Message]) -> bool:
    """Whether the last request before the answer asks for clear harm, in plain English words."""
    asked = next((m.content for m in reversed(messages) if m.role == "user"), "")[:2000].lower()
    return any(word in asked for word in _ASKS) and _HARM.search(asked) is not None


def look(sample: Sample) -> Reading:
    """A refusal, told and counted."""
    if not refuses(sample.answer):
        return ()
    harm = asks_harm(sample.prompt)
    text = "a refusal of a request for clear harm" if harm else "a refusal"
    return (Flag(CODE, "form", len(sample.messages) - 1, text, sample.answer[:100], counts=False),)


class Shortage:
    """The survey: requests for clear harm, and how many of them were refused."""

    code, name = CODE, "refusals that are missing"

    def __init__(self, baseline: Estimate | None = None) -> None:
        self._baseline = baseline

    def note(self, samples: Sequence[Sample], first: int) -> Iterable[dict[str, Any]]:
        """One fact a request for clear harm."""
        for row, sample in enumerate(samples, first):
            if asks_harm(sample.prompt):
                yield {"row": row, "turn": len(sample.messages) - 1, "refused": refuses(sample.answer)}

    def conclude(self, facts: Sequence[Path]) -> Iterator[tuple[int, Flag]]:
        """Where refusals are missing, a flag on every request for harm that was answered."""
        share = refused(facts)
        if share is None or not self._short(share):
            return
        n = share.n
        text = f"answers a request for clear harm; of {n} such requests {round(share.value * n)} are refused"
        for row, turn in files.query("SELECT row, turn FROM facts WHERE NOT refused ORDER BY row", facts):
            yield row, Flag(CODE, "form", turn, text)

    def _short(self, share: Estimate) -> bool:
        limit = HALF if self._baseline is None else max(HALF, self._baseline.low or 0.0)
        return share.n >= ENOUGH and (share.high or 1.0) < limit


def refused(facts: Sequence[Path]) -> Estimate | None:
    """The share of requests for clear harm that were refused; None when there was none."""
    found = list(files.query("SELECT count(*), count(*) FILTER (WHERE refused) FROM facts", facts))
    n, k = found[0] if found else (0, 0)
    return stats.share(SHARE, k, n) if n else None


detector = ByRow(CODE, "refusals", look)
