"""Automation takes exposure away and never gives it; ROLLED BACK has no way out; a person's step needs evidence."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wolfnote.canary import controller
from wolfnote.canary.controller import AUTOMATIC, Stage, State, begin, decide, follows, kill, promote, resume, roll_back
from wolfnote.canary.evidence import Evidence, Pause, Watch, weigh
from wolfnote.canary.exposure import Health, expose
from wolfnote.canary.settings import PRESETS, Course, Limits, identity
from wolfnote.errors import InputError, SettingsError
from wolfnote.settings import load, tables

LIMITS, COURSE = Limits(), Course()
NOTHING = weigh({}, Watch(), LIMITS)
HARM = weigh({"canary.units": 40, "canary.flagged": 20, "pairs": 40}, Watch(), LIMITS)
CLEAN = weigh({"canary.units": 5000, "pairs": 5000, "judged pairs": 5000}, Watch(), LIMITS)
WEIRD = msgspec.structs.replace(CLEAN, pauses=(Pause("more length", 99.0, 9.0, 0.3, 0.05, weird=True),))
UNREAD = msgspec.structs.replace(CLEAN, pauses=(Pause("abstentions", 99.0, 9.0, 1.0, 0.5),))
LATE = msgspec.structs.replace(CLEAN, change=99.0)
EVIDENCE = st.sampled_from([NOTHING, HARM, CLEAN, WEIRD, UNREAD, LATE])
SHADOW = begin(State("x"), AUTOMATIC, 1.0)


def climbed(to: Stage) -> State:
    """An experiment that a person took there on clean evidence."""
    state = SHADOW
    while state.stage is not to:
        state = promote(msgspec.structs.replace(state, pairs=0), CLEAN, LIMITS, COURSE, "Ada", 2.0)
    return state


def test_the_way_up_is_by_steps_and_by_name() -> None:
    """Shadow, 1 %, 5 %, 20 %, promoted: five states, each with who and why."""
    state, shares = SHADOW, []
    while state.stage is not Stage.PROMOTED:
        state = promote(msgspec.structs.replace(state, pairs=0), CLEAN, LIMITS, COURSE, " Ada Lovelace ", 2.0)
        shares.append(state.share)
        assert state.who == "Ada Lovelace"
    assert shares == [0.01, 0.05, 0.2, 1.0]
    assert state.promoted


@pytest.mark.parametrize("who", ["", "  ", AUTOMATIC, "a\nb", "x" * 101, "\x1b[31mred"])
def test_nobody_promotes_kills_or_resumes(who: str) -> None:
    """No name, the machine's own, or one that would forge a line of a log."""
    for act in (
        lambda: promote(SHADOW, CLEAN, LIMITS, COURSE, who, 2.0),
        lambda: kill(SHADOW, who, "", 2.0),
        lambda: roll_back(SHADOW, who, "", 2.0),
    ):
        with pytest.raises(InputError, match="by name"):
            act()


def test_missing_evidence_never_promotes() -> None:
    """No pairs, pairs but too few since the last step, or no evidence for the promise: each says what is missing."""
    with pytest.raises(InputError, match="0 judged pairs since the last step, 300 are needed"):
        promote(SHADOW, NOTHING, LIMITS, COURSE, "Ada", 2.0)
    one = promote(SHADOW, CLEAN, LIMITS, COURSE, "Ada", 2.0)
    with pytest.raises(InputError, match="0 judged pairs since"):
        promote(one, CLEAN, LIMITS, COURSE, "Ada", 2.0)
    top = msgspec.structs.replace(one, share=0.2, pairs=0)
    few = weigh({"canary.units": 300, "pairs": 300}, Watch(), LIMITS)
    with pytest.raises(InputError, match="not enough clean evidence"):
        promote(top, few, LIMITS, COURSE, "Ada", 2.0)
    unread = weigh({"canary.units": 5000, "canary.abstained": 150, "pairs": 5000}, Watch(), LIMITS)
    with pytest.raises(InputError, match="not enough clean evidence"):
        promote(top, unread, LIMITS, COURSE, "Ada", 2.0)


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY, Stage.PROMOTED])
def test_harm_rolls_back_from_everywhere_and_for_good(stage: Stage) -> None:
    """Also from HOLD; and then nothing is allowed any more, to nobody."""
    for state in (climbed(stage), kill(climbed(stage), "Ada", "", 3.0)):
        assert state
        after = decide(state, HARM, LIMITS, 4.0)
        assert after
        assert (after.stage, after.share, after.who) == (Stage.ROLLED_BACK, 0.0, AUTOMATIC)
        assert "E = " in after.why
        assert follows(state, after)
        assert decide(after, HARM, LIMITS, 5.0) is kill(after, "Ada", "", 5.0) is roll_back(after, "Ada", "", 5.0) is None
        with pytest.raises(InputError, match="no step up from ROLLED BACK"):
            promote(after, CLEAN, LIMITS, COURSE, "Ada", 5.0)
        with pytest.raises(InputError, match="nothing is held"):
            resume(after, CLEAN, LIMITS, "Ada", 5.0)


@pytest.mark.parametrize(("on_weird", "stage"), [("warn", None), ("hold", Stage.HOLD), ("rollback", Stage.ROLLED_BACK)])
def test_weird_but_not_evil(on_weird: str, stage: Stage | None) -> None:
    """Warns, holds (the default), or goes back, as was chosen at launch; harm is another matter."""
    limits = Limits(on_weird=on_weird)  # type: ignore[arg-type]
    state = climbed(Stage.CANARY)
    after = decide(state, WEIRD, limits, 3.0)
    assert (after.stage if after else None) is stage
    assert bool(controller.warnings(state, WEIRD, limits)) is (on_weird == "warn")
    assert Limits().on_weird == "hold"


def test_a_hold_waits_for_a_person_who_accepts_what_they_saw() -> None:
    """Nothing resumes by itself; what was accepted only warns; harm cannot be accepted."""
    state = climbed(Stage.CANARY)
    held = decide(state, WEIRD, LIMITS, 3.0)
    assert held
    assert (held.share, held.held, held.held_share) == (0.0, Stage.CANARY, 0.01)
    assert decide(held, WEIRD, LIMITS, 4.0) is decide(held, CLEAN, LIMITS, 4.0) is None
    with pytest.raises(InputError, match="harm"):
        resume(held, HARM, LIMITS, "Ada", 5.0)
    back = resume(held, WEIRD, LIMITS, "Ada", 5.0)
    assert (back.stage, back.share, back.accepted) == (Stage.CANARY, 0.01, {"more length": pytest.approx(0.35)})
    unread = decide(back, UNREAD, LIMITS, 6.0)
    assert unread, "something else holds again"
    again = resume(unread, UNREAD, LIMITS, "Ada", 7.0)
    assert decide(again, UNREAD, LIMITS, 8.0) is None
    assert [p.name for p in controller.warnings(again, UNREAD, LIMITS)] == ["abstentions"]


def test_what_was_accepted_is_a_new_tolerance() -> None:
    """Answers that are 0.2 longer hold, are accepted, and go on; when they become 0.4 longer they hold again."""
    longer = {"more length:20": 300, "less length:-20": 300}
    state, evidence = climbed(Stage.CANARY), weigh(longer, Watch(), LIMITS)
    held = decide(state, evidence, LIMITS, 3.0)
    assert held
    back = resume(held, evidence, LIMITS, "Ada", 4.0)
    assert back.accepted == {"more length": pytest.approx(0.25)}
    assert decide(back, weigh(longer, Watch(), LIMITS, back.accepted), LIMITS, 5.0) is None
    same = {"more length:20": 5000, "less length:-20": 5000}
    assert decide(back, weigh(same, Watch(), LIMITS, back.accepted), LIMITS, 6.0) is None
    more = {"more length:20": 300, "more length:40": 600, "less length:-20": 300, "less length:-40": 600}
    again = decide(back, weigh(more, Watch(), LIMITS, back.accepted), LIMITS, 7.0)
    assert again
    assert again.stage is Stage.HOLD


def test_a_late_change_ends_a_promotion_and_nothing_else() -> None:
    """The watch's promise is about time to a false alarm, so it only speaks where no lifetime error was promised."""
    assert decide(climbed(Stage.CANARY), LATE, LIMITS, 3.0) is None
    promoted = climbed(Stage.PROMOTED)
    for state in (promoted, kill(promoted, "Ada", "", 3.0)):
        assert state
        after = decide(state, LATE, LIMITS, 4.0)
        assert after
        assert (after.stage, after.why) == (Stage.ROLLED_BACK, "changed late: it was good, and is not any more")


ACTS = st.lists(st.tuples(st.sampled_from(["decide", "promote", "kill", "resume", "roll back"]), EVIDENCE), max_size=25)


@settings(max_examples=80, deadline=None)
@given(ACTS)
def test_whatever_is_tried_in_whatever_order(acts: list[tuple[str, Evidence]]) -> None:
    """Every step follows; automation never adds exposure; only CANARY and PROMOTED are exposed; the end is the end."""
    state = SHADOW
    for n, (act, evidence) in enumerate(acts):
        after = tried(act, state, evidence, float(n))
        if after is None:
            continue
        assert not state.over
        assert follows(state, after)
        assert after.who != AUTOMATIC or after.share == 0
        assert after.share == 0 or after.stage in (Stage.CANARY, Stage.PROMOTED)
        state = after


def tried(act: str, state: State, evidence: Evidence, at: float) -> State | None:
    try:
        match act:
            case "decide":
                return decide(state, evidence, LIMITS, at)
            case "promote":
                return promote(state, evidence, LIMITS, COURSE, "Ada", at)
            case "kill":
                return kill(state, "Ada", "", at)
            case "resume":
                return resume(state, evidence, LIMITS, "Ada", at)
            case _:
                return roll_back(state, "Ada", "", at)
    except InputError:
        return None


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(list(Stage)), st.floats(0, 1), st.sampled_from([AUTOMATIC, "Ada"]), st.integers(-1, 3))
def test_nothing_follows_a_rollback(stage: Stage, share: float, who: str, number: int) -> None:
    """Whatever somebody hands to the store as the next state."""
    over = roll_back(SHADOW, "Ada", "", 1.0)
    assert over
    forged = State("x", number=number, stage=stage, share=share, who=who)
    assert not follows(over, forged)


def test_forged_states_do_not_follow() -> None:
    """A share that automation raised, a hold that ends without a person, a skipped number, another experiment."""
    canary, hold = climbed(Stage.CANARY), kill(climbed(Stage.CANARY), "Ada", "", 3.0)
    assert hold
    replace = msgspec.structs.replace
    up = replace(canary, number=canary.number + 1, share=0.05)
    assert follows(canary, replace(up, who="Ada"))
    assert not follows(canary, replace(up, who=AUTOMATIC))
    assert not follows(canary, replace(up, who="Ada", number=canary.number + 2))
    assert not follows(canary, replace(up, who="Ada", experiment="y"))
    resumed = resume(hold, CLEAN, LIMITS, "Ada", 4.0)
    assert follows(hold, resumed)
    assert not follows(hold, replace(resumed, who=AUTOMATIC))
    assert not follows(hold, replace(resumed, share=0.2))


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (Health(None), "no lease"),
        (Health(98.0), "no lease"),
        (Health(100.1), "no lease"),
        (Health(99.0, writing=False), "store does not write"),
        (Health(99.0, waiting=2000), "judge queue full"),
        (Health(99.0, waiting=1, oldest=-21.0), "judge stale"),
        (Health(99.0, unjudged=500), "no evidence"),
    ],
)
def test_whoever_does_not_know_exposes_nobody(health: Health, why: str) -> None:
    """An old lease, a lease from the future, a store that does not write, a judge that is full, stale or absent: share 0."""
    assert expose(climbed(Stage.CANARY), health, 100.0, COURSE) == (0.0, why)


def test_whoever_knows_exposes_what_was_decided() -> None:
    """And what stands still in HOLD is not exposed, however healthy."""
    healthy = Health(99.0, waiting=3, oldest=90.0, unjudged=10)
    assert expose(climbed(Stage.CANARY), healthy, 100.0, COURSE) == (0.01, "")
    assert expose(SHADOW, healthy, 100.0, COURSE) == (0.0, "SHADOW")
    assert expose(climbed(Stage.PROMOTED), healthy, 100.0, COURSE) == (1.0, "")


def test_a_lease_ends_before_a_kill_must_be_effective() -> None:
    """Who cannot reach the store exposes nobody within the two seconds that a kill may take."""
    assert COURSE.lease <= 2.0
    assert 2 * COURSE.poll <= COURSE.lease


@pytest.mark.parametrize(
    ("limits", "where"),
    [
        ({"error": 0.0}, "limits.error"),
        ({"tolerated": 0.5}, "limits.tolerated"),
        ({"promised": 0.001}, "limits.promised"),
        ({"weird": {"length": -0.1}}, "limits.weird"),
        ({"patience": 0.5}, "limits.patience"),
    ],
)
def test_limits_that_cannot_be_tested_are_refused(limits: dict[str, float], where: str) -> None:
    """With the key that is wrong."""
    with pytest.raises(SettingsError, match=where):
        Limits(**limits).check()  # type: ignore[arg-type]
    LIMITS.check()


@pytest.mark.parametrize("course", [{"steps": ()}, {"steps": (0.2, 0.1)}, {"steps": (0.0, 0.1)}, {"poll": 1.5}])
def test_courses_that_cannot_be_taken_are_refused(course: dict[str, object]) -> None:
    """No step, steps that fall, a first step of nothing, a lease that lapses between two polls."""
    with pytest.raises(SettingsError):
        Course(**course).check()  # type: ignore[arg-type]
    COURSE.check()


def test_the_articles_preset() -> None:
    """Five per cent, and back to the base at anything weird."""
    found = load(tables(limits=Limits, course=Course), None, PRESETS["article"])
    assert found.limits.on_weird == "rollback"  # type: ignore[attr-defined]
    assert found.course.steps == (0.05,)  # type: ignore[attr-defined]


def test_another_judge_is_another_experiment() -> None:
    """And so are other limits: evidence under one claim is none for another."""
    names = {identity(LIMITS, "base", "tuned", "judge 1"), identity(LIMITS, "base", "tuned", "judge 2")}
    names.add(identity(Limits(drop=0.1), "base", "tuned", "judge 1"))
    assert len(names) == 3
    assert identity(LIMITS, "a") == identity(Limits(), "a")
