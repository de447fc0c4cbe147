"""DRAFT → SHADOW → CANARY (share) → HOLD → PROMOTED or ROLLED BACK: what an experiment does next, and who may say so.

Automation only ever takes exposure away; a person gives it, by name, and only on evidence. ROLLED BACK has no way out: what is
served again is another experiment. Everything here is pure: state, evidence and time come in, a new state or None goes out; the
store writes it down with its evidence before it takes effect.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from wolfnote.canary.evidence import Evidence, Pause
from wolfnote.canary.settings import Course, Limits
from wolfnote.errors import InputError

AUTOMATIC = "wolfnote"
NAME_LENGTH = 100


class Stage(StrEnum):
    """Where an experiment stands."""

    DRAFT = "DRAFT"
    SHADOW = "SHADOW"
    CANARY = "CANARY"
    HOLD = "HOLD"
    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED BACK"


class State(msgspec.Struct, frozen=True):
    """One experiment. ``number`` rises by one with each decision: whoever decides names the number that they saw."""

    experiment: str
    number: int = 0
    stage: Stage = Stage.DRAFT
    share: float = 0.0
    """Of new conversations, what the canary may answer; 0 in DRAFT, SHADOW, HOLD and ROLLED BACK."""
    held: Stage | None = None
    """In HOLD, the stage before; ``held_share`` its share."""
    held_share: float = 0.0
    accepted: dict[str, float] = {}
    """Pauses that a person saw crossed and let pass → what is tolerated of them from then on. Of those that are not weird
    nothing more is tested: they only warn."""
    pairs: int = 0
    """Judged pairs there were when this stage or share began."""
    at: float = 0.0
    """Seconds since 1970, by the clock of who decided; the order is ``number``'s."""
    who: str = AUTOMATIC
    why: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing can follow."""
        return self.stage is Stage.ROLLED_BACK

    @property
    def promoted(self) -> bool:
        """Whether the watch for a late change is on: from the promotion on, a hold included."""
        return Stage.PROMOTED in (self.stage, self.held)


def decide(state: State, evidence: Evidence, limits: Limits, at: float) -> State | None:
    """What must happen without a person: a rollback, a hold, or nothing (None)."""
    if state.stage in (Stage.DRAFT, Stage.ROLLED_BACK):
        return None
    if evidence.harmful:
        return _moved(state, Stage.ROLLED_BACK, evidence, at, evidence.why)
    if state.promoted and evidence.changed:
        return _moved(state, Stage.ROLLED_BACK, evidence, at, "changed late: it was good, and is not any more")
    crossed = open_pauses(state, evidence, limits)
    if limits.on_weird == "rollback" and (weird := [pause for pause in crossed if pause.weird]):
        return _moved(state, Stage.ROLLED_BACK, evidence, at, _told(weird))
    if crossed and state.stage is not Stage.HOLD:
        return _moved(state, Stage.HOLD, evidence, at, _told(crossed))
    return None


def open_pauses(state: State, evidence: Evidence, limits: Limits) -> list[Pause]:
    """Pauses that crossed and lead to something: not what was accepted, and with ``on_weird = warn`` nothing weird."""
    warned = limits.on_weird == "warn"
    crossed = [pause for pause in evidence.pauses if pause.crossed]
    return [p for p in crossed if not (warned if p.weird else p.name in state.accepted)]


def warnings(state: State, evidence: Evidence, limits: Limits) -> list[Pause]:
    """What crossed and leads to nothing: accepted by a person, or ``on_weird = warn``."""
    acted_on = open_pauses(state, evidence, limits)
    return [pause for pause in evidence.pauses if pause.crossed and pause not in acted_on]


def begin(state: State, who: str, at: float) -> State:
    """DRAFT → SHADOW: the canary is asked, and nobody hears it. Raises ``InputError`` in any other stage."""
    if state.stage is not Stage.DRAFT:
        raise InputError(f"the experiment is {state.stage}", where=state.experiment, remedy="serve it as it is")
    return _moved(state, Stage.SHADOW, None, at, "began", who=who)


def promote(state: State, evidence: Evidence, limits: Limits, course: Course, who: str, at: float) -> State:
    """One step up: from SHADOW to the first share, to the next, at last to PROMOTED. By a person, on evidence.

    Raises ``InputError`` that says what is missing.
    """
    person = _person(who)
    _refuse(state, _obstacle(state, evidence, limits, course))
    higher = [share for share in course.steps if share > state.share]
    if state.stage is Stage.CANARY and not higher:
        if not evidence.promised:
            missing = f"not enough clean evidence yet for fewer than {limits.promised:.2%}: {evidence.units} conversations"
            raise InputError(missing, where=state.experiment, remedy="wait for more judged conversations")
        return _moved(state, Stage.PROMOTED, evidence, at, "promoted", who=person, share=1.0)
    share = higher[0]
    return _moved(state, Stage.CANARY, evidence, at, f"share {share:.1%}", who=person, share=share)


def kill(state: State, who: str, why: str, at: float) -> State | None:
    """Nobody is exposed from now on: HOLD, whatever was. None where nobody was to be exposed anyway (HOLD, ROLLED BACK)."""
    if state.stage in (Stage.HOLD, Stage.ROLLED_BACK):
        return None
    return _moved(state, Stage.HOLD, None, at, why or "killed", who=_person(who))


def resume(state: State, evidence: Evidence, limits: Limits, who: str, at: float) -> State:
    """HOLD → the stage before. What crossed until now is accepted by this person: a feature up to what was seen and its
    tolerance besides (it holds again beyond that), anything else whatever it comes to.

    Raises ``InputError`` where nothing is held, or for harm, which nobody can accept.
    """
    person = _person(who)
    if state.stage is not Stage.HOLD or state.held is None:
        raise InputError(f"nothing is held: the experiment is {state.stage}", where=state.experiment, remedy="see its status")
    if evidence.harmful:
        raise InputError(f"harm: {evidence.why}", where=state.experiment, remedy="it cannot be resumed; begin another")
    crossed = {pause.name: _accepted(pause, limits) for pause in open_pauses(state, evidence, limits)}
    why = "resumed" + (f", accepting {', '.join(crossed)}" if crossed else "")
    more = {"who": person, "share": state.held_share, "accepted": state.accepted | crossed, "pairs": state.pairs}
    return _moved(state, state.held, evidence, at, why, **more)


def roll_back(state: State, who: str, why: str, at: float) -> State | None:
    """A person's rollback: one-way, as an automatic one. None when it is rolled back already."""
    person = _person(who)
    return None if state.over else _moved(state, Stage.ROLLED_BACK, None, at, why or "rolled back", who=person)


def follows(before: State, after: State) -> bool:
    """Whether ``after`` may come next: what the store holds against every decision, whoever made it."""
    if after.number != before.number + 1 or after.experiment != before.experiment:
        return False
    allowed = _NEXT[before.stage]
    if before.stage is Stage.HOLD and before.held and after.who != AUTOMATIC and after.share <= before.held_share:
        allowed = allowed | {before.held}
    given = before.stage is not Stage.HOLD and after.share > before.share
    return after.stage in allowed and not (given and after.who == AUTOMATIC)


_NEXT = {
    Stage.DRAFT: {Stage.SHADOW, Stage.HOLD, Stage.ROLLED_BACK},
    Stage.SHADOW: {Stage.CANARY, Stage.HOLD, Stage.ROLLED_BACK},
    Stage.CANARY: {Stage.CANARY, Stage.PROMOTED, Stage.HOLD, Stage.ROLLED_BACK},
    Stage.HOLD: {Stage.ROLLED_BACK},
    Stage.PROMOTED: {Stage.HOLD, Stage.ROLLED_BACK},
    Stage.ROLLED_BACK: set(),
}
"""From HOLD there is besides the way back to what was held, for a person."""


def _obstacle(state: State, evidence: Evidence, limits: Limits, course: Course) -> tuple[str, str] | None:
    """Why there is no step up, and what to do; None when there is one."""
    if state.stage not in (Stage.SHADOW, Stage.CANARY):
        remedy = "resume it first" if state.stage is Stage.HOLD else "see its status"
        return f"no step up from {state.stage}", remedy
    if evidence.harmful:
        return f"harm: {evidence.why}", "it cannot be promoted; begin another"
    if crossed := open_pauses(state, evidence, limits):
        return _told(crossed), "a hold comes; look at the pairs, then resume"
    new = evidence.pairs - state.pairs
    if new < course.pairs:
        return f"{new} judged pairs since the last step, {course.pairs} are needed", "wait for more"
    return None


def _refuse(state: State, obstacle: tuple[str, str] | None) -> None:
    if obstacle:
        raise InputError(obstacle[0], where=state.experiment, remedy=obstacle[1])


def _moved(state: State, stage: Stage, evidence: Evidence | None, at: float, why: str, **more: Any) -> State:
    """The next state; ``share`` is 0 unless it is given, and a HOLD remembers what it held."""
    held = (state.stage, state.share) if stage is Stage.HOLD else (None, 0.0)
    pairs = evidence.pairs if evidence else state.pairs
    changes = {"who": AUTOMATIC, "share": 0.0, "pairs": pairs, **more}
    return msgspec.structs.replace(
        state, number=state.number + 1, stage=stage, held=held[0], held_share=held[1], at=at, why=why, **changes
    )


def _accepted(pause: Pause, limits: Limits) -> float:
    """What is tolerated of a pause once a person accepted it; valid after looking (``score.above``)."""
    if not pause.weird:
        return pause.tolerance
    return min(1.0, pause.value + limits.weird[pause.name.split(" ", 1)[1]])


def _told(crossed: list[Pause]) -> str:
    shown = [f"{p.name} {p.value:+.3f} (accepted {p.tolerance:g})" for p in crossed]
    return "beyond what was accepted: " + ", ".join(shown)


def _person(who: str) -> str:
    """Who decides. Raises ``InputError`` where it is nobody's name."""
    found = who.strip()
    if not found or found == AUTOMATIC or len(found) > NAME_LENGTH or not found.isprintable():
        raise InputError("a person decides, by name", where="--who", remedy="write --who 'Ada Lovelace'")
    return found
