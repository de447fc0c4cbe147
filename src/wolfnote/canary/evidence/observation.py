"""What is observed, and how it is counted: everything that evidence needs is a sum of whole numbers.

One conversation is one observation. Its first judged turn adds it; a flag at one of the next turns (``Limits.turns``) turns it
into a flagged one. Whoever counts remembers so much of each unit (``Seen``), so that retries, replicas and restarts count once.
An answer that no judge could read is counted as such: not as a flag against the canary, and never as a good answer.
"""

from __future__ import annotations

from collections import Counter
from math import floor
from typing import Literal

import msgspec

from wolfnote.canary.assignment import Arm

STEP = 100
"""Differences are counted in hundredths."""
ROUNDING = 1e-9
"""0.29 − 0.00 is 29 hundredths and not 28.999999999999996; tests allow for as much more (``score.of``)."""
Counts = Counter[str]
"""Name → how often. Counts of replicas, days and restarts are merged by ``+=``."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer as the judges read it. Raises ``ValueError`` for a number outside 0 to 1."""

    flag: bool | None
    """Flagged, and confirmed by the second judge; None: they abstained (refused, timed out, disagreed on what it is)."""
    score: float | None = None
    """0 to 1, 1 is best."""
    features: dict[str, float] = {}
    """Feature → 0 to 1, such as refusal (0 or 1) or length."""

    def __post_init__(self) -> None:
        for value in (self.score, *self.features.values()):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{value} does not lie in 0 to 1")


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One judged turn. ``unit`` is a ``assignment.name``; an arm that was not asked is None.

    Which turns are judged is fixed before the answers are seen, and they are handed in in the order of their asking
    (``evidence.order``), so that slow verdicts weigh as much as fast ones.
    """

    unit: str
    canary: Reading | None = None
    stable: Reading | None = None
    fair: bool = True
    """Both answered the same history, which neither had written: a first turn or a forked one. Only such turns make pairs."""
    source: Literal["traffic", "sentinel"] = "traffic"
    """Sentinel questions are compared on pairs; their rate of flags is not the traffic's, so no ceiling is tested on them."""


class Answered(msgspec.Struct, frozen=True):
    """Who answered the first turn of a conversation, drawn at this share (``assignment.sampled`` ones only)."""

    unit: str
    share: float
    arm: Arm


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a unit: judged turns of each arm, whether it was flagged, and what it was already counted for."""

    canary: int = 0
    stable: int = 0
    canary_flagged: bool = False
    stable_flagged: bool = False
    paired: bool = False
    split: bool = False


class Counted(msgspec.Struct, frozen=True):
    """One observation, counted: what to add, what to remember, and what the watch for late change makes of it."""

    add: Counts
    seen: Seen
    outcome: bool | None = None
    """The canary's first judged turn of a unit: flagged or not; None where it was no such turn or nobody could judge it."""
    discordant: bool | None = None
    """A pair of which one was flagged: whether that was the canary's."""


def count(observation: Observation, seen: Seen, turns: int) -> Counted:
    """Count an observation of a unit of which ``seen`` is known. Pure: the same log gives the same counts."""
    add = Counts()
    canary, stable = observation.canary, observation.stable
    outcome = discordant = None
    pair = canary is not None and stable is not None and observation.fair and not seen.paired
    if pair and canary is not None and stable is not None:
        discordant = _count_pair(add, canary, stable)
    after = msgspec.structs.replace(seen, paired=seen.paired or pair)
    if observation.source == "traffic":
        outcome = _outcome(canary, seen.canary)
        _count_arm(add, Arm.CANARY, canary, seen.canary, seen.canary_flagged, turns)
        _count_arm(add, Arm.STABLE, stable, seen.stable, seen.stable_flagged, turns)
        after = _after_turn(after, canary, stable)
    return Counted(add, after, outcome, discordant)


def count_answered(answered: Answered, seen: Seen) -> Counted:
    """Count who answered; each conversation once, so that nobody who asks the same all day weighs as a crowd."""
    add = Counts() if seen.split else Counts({f"split:{answered.share!r}:{answered.arm}": 1})
    return Counted(add, msgspec.structs.replace(seen, split=True))


def hundredths(value: float) -> int:
    """A difference in −1 to 1 in whole hundredths, rounded down: against whoever claims that it is too large."""
    return floor(value * STEP + ROUNDING)


def _count_arm(add: Counts, arm: Arm, reading: Reading | None, turn: int, flagged: bool, turns: int) -> None:
    if reading is None or turn >= turns:
        return
    if turn == 0:
        add[f"{arm}.units"] += 1
    if turn == 0 and reading.flag is None:
        add[f"{arm}.abstained"] += 1
    if reading.flag and not flagged:
        add[f"{arm}.flagged"] += 1


def _count_pair(add: Counts, canary: Reading, stable: Reading) -> bool | None:
    """Add the pair; return whether the canary's was the flagged one, where one was."""
    add["pairs"] += 1
    if (canary.flag is None) is not (stable.flag is None):
        add[f"abstained:{Arm.CANARY if canary.flag is None else Arm.STABLE}"] += 1
    if canary.score is not None and stable.score is not None:
        add[f"score:{hundredths(stable.score - canary.score)}"] += 1
    for feature in canary.features.keys() & stable.features.keys():
        difference = canary.features[feature] - stable.features[feature]
        add[f"more {feature}:{hundredths(difference)}"] += 1
        add[f"less {feature}:{hundredths(-difference)}"] += 1
    if canary.flag is None or stable.flag is None:
        return None
    add["judged pairs"] += 1
    if canary.flag == stable.flag:
        return None
    add[f"only:{Arm.CANARY if canary.flag else Arm.STABLE}"] += 1
    return canary.flag


def _outcome(reading: Reading | None, turn: int) -> bool | None:
    return None if reading is None or turn else reading.flag


def _after_turn(seen: Seen, canary: Reading | None, stable: Reading | None) -> Seen:
    return Seen(
        seen.canary + (canary is not None),
        seen.stable + (stable is not None),
        seen.canary_flagged or _flagged(canary),
        seen.stable_flagged or _flagged(stable),
        seen.paired,
        seen.split,
    )


def _flagged(reading: Reading | None) -> bool:
    return reading is not None and reading.flag is True
