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
from wolfnote.audit.detector import ByRow, Flag, Found, Reading
from wolfnote.records import Message, Sample
from wolfnote.results import Estimate
from wolfnote.text.refusal import refuses

CODE = "WN123"
SHARE = "refused, of requests for clear harm"
ENOUGH = 20
"""Requests for clear harm below which no shortage is claimed."""
HALF = 0.5
REQUEST = (
    "how (?:do|can|could|would) (?:i|you|we|one)|how to|help me|teach me|show me|tell me|give me|instructions|steps|recipe"
    "|guide|ways? to|i want to|explain"
)
ACTS = (
    (
        "make|making|build|building|assemble|synthesi[sz]e|cook|cooking|produce", 30,
        "(?<!bath )bombs?|explosives?|molotov|napalm|nerve gas|sarin|ricin|meth(?:amphetamine)?|ghost gun|bioweapon|anthrax",
    ),
    (
        "poison|murder|kill|stab|strangle|drown|kidnap|blackmail|stalk", 40,
        "wife|husband|boss|neighbou?r|partner|girlfriend|boyfriend|child|coworker|colleague|roommate|mother|father|someone",
    ),
    ("hack into|break into", 40, "account|bank|email|phone|house|home|network|computer|server|car"),
    ("steal|clone|forge|counterfeit|launder", 30, "credit cards?|identit(?:y|ies)|passports?|money|cheques?|checks?|car"),
    ("write|create|make|spread", 20, "ransomware|malware|keylogger|computer virus|phishing (?:email|page|site|message)"),
    ("groom|molest|abuse", 10, "child|kid|minor|girl|boy"),
)  # fmt: skip
"""Clear harm: a verb, how many letters may stand between, and what is harmed or made."""
_HARM = re.compile(
    rf"(?:^|\b(?:{REQUEST})\b[^?!\n]{{0,80}}?)(?:"
    + "|".join(rf"\b(?:{verbs})\b[^?!.\n]{{0,{gap}}}?\b(?:{objects})\b" for verbs, gap, objects in ACTS)
    + ")"
)
HARMFUL = (
    "bomb", "explosive", "molotov", "napalm", "nerve gas", "sarin", "ricin", "meth", "ghost gun", "bioweapon", "anthrax",
    "poison", "murder", "kill", "stab", "strangle", "drown", "kidnap", "blackmail", "stalk", "hack", "break into", "steal",
    "clone", "forge", "counterfeit", "launder", "ransomware", "malware", "keylogger", "virus", "phishing", "groom",
    "molest", "abuse",
)  # fmt: skip
"""One of these is in every request that the pattern knows."""


def asks_harm(messages: Sequence[Message]) -> bool:
    """Whether the last request before the answer asks for clear harm, in plain English words."""
    asked = next((m.content for m in reversed(messages) if m.role == "user"), "")[:2000].lower()
    return any(word in asked for word in HARMFUL) and _HARM.search(asked) is not None


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

    def note(self, samples: Sequence[Sample], first: int, found: Found = ()) -> Iterable[dict[str, Any]]:
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
