"""Whoever is on the canary stays there while the share grows, on every replica; nobody can choose, and nobody flips back."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from wolfnote.canary import assignment
from wolfnote.canary.assignment import Arm, Identity, identify, place, position

SALT = b"a salt for tests"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["conversation", "previous_response_id", "user", "messages", "input", "prompt", "instructions", "safety_identifier"]


def unit(n: int) -> Identity:
    return Identity("tenant", "header", f"header\0{n}")


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_growing_shares_only_ever_add_conversations(tenant: str, name: str, shares: list[float]) -> None:
    """What the canary answers at one share it answers at every larger one, with no memory at all."""
    u = position(SALT, Identity(tenant, "header", name))
    on_canary = [place(u, share).arm is Arm.CANARY for share in sorted(shares)]
    assert on_canary == sorted(on_canary)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.01, 0.05, 0.2, 1.0]), min_size=1, max_size=12), st.floats(0, 1, exclude_max=True))
def test_a_conversation_flips_once_at_most_and_only_to_stable(shares: list[float], u: float) -> None:
    """With pins kept, whatever the share does (held, resumed, promoted), the canary never takes over what stable began."""
    pinned, arms = None, []
    for share in shares:
        found = place(u, share, pinned=pinned)
        pinned = found.arm if found.pin else pinned
        arms.append(found.arm)
    assert arms == sorted(arms), "CANARY < STABLE: the canary's turns come first, or there are none"
    assert all(arm is Arm.STABLE for arm, share in zip(arms, shares, strict=True) if share == 0)


def test_the_split_is_the_share() -> None:
    """Of 30,000 conversations 5 % are drawn, within five standard errors; another salt draws others."""
    drawn = {n for n in range(30_000) if place(position(SALT, unit(n)), 0.05).arm is Arm.CANARY}
    other = {n for n in range(30_000) if place(position(b"other", unit(n)), 0.05).arm is Arm.CANARY}
    assert abs(len(drawn) - 1500) < 5 * math.sqrt(30_000 * 0.05 * 0.95)
    assert abs(len(drawn & other) - 75) < 5 * math.sqrt(75)


def test_the_sample_for_the_split_is_independent_of_the_arm() -> None:
    """One conversation in sixteen, and of those 20 % on the canary at 20 %."""
    positions = [position(SALT, unit(n)) for n in range(30_000)]
    sampled = [u for u in positions if assignment.sampled(u)]
    assert abs(len(sampled) - 1875) < 5 * math.sqrt(1875)
    on_canary = sum(u < 0.2 for u in sampled)
    assert abs(on_canary / len(sampled) - 0.2) < 5 * math.sqrt(0.16 / len(sampled))


def test_tenants_and_units_cannot_be_shifted_into_each_other() -> None:
    """("a", "bc") and ("ab", "c") are two: a tenant cannot name itself into another's conversations."""
    assert position(SALT, Identity("a", "header", "bc")) != position(SALT, Identity("ab", "header", "c"))
    assert assignment.name(SALT, Identity("a", "header", "bc")) != assignment.name(SALT, Identity("ab", "header", "c"))


def test_the_first_thing_that_names_a_conversation_is_used() -> None:
    """Header, else conversation, else previous response, else user, else what the conversation begins with."""
    body = {
        "conversation": {"id": "c"},
        "previous_response_id": "r",
        "user": "u",
        "messages": [{"role": "user", "content": "hello"}],
    }
    kinds = [identify("t", {assignment.HEADER: "h"}, body).kind]
    for field in ("", "conversation", "previous_response_id", "user"):
        body.pop(field, None)
        kinds.append(identify("t", {}, body).kind)
    assert kinds == ["header", "conversation", "response", "user", "content"]


def test_a_conversation_that_is_sent_whole_keeps_its_name() -> None:
    """Later turns add messages; key, system text and first user message stay, and decide. Another caller is another one."""
    first = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]}
    later = {"messages": [*first["messages"], {"role": "assistant", "content": "yo"}, {"role": "user", "content": "more"}]}
    assert identify("t", {}, first, "key") == identify("t", {}, later, "key") != identify("t", {}, later, "another")
    assert assignment.is_first_turn(first)
    assert not assignment.is_first_turn(later)
    assert identify("t", {}, {"input": "hi"}) == identify("t", {}, {"input": [{"role": "user", "content": "hi"}]})


def test_an_answer_nobody_pinned_is_stables() -> None:
    """A chain of responses has a new id at each turn: only a pin knows whose it is, and hashing the id would flip it."""
    found = place(0.0001, 0.2, kind="response")
    assert (found.arm, found.why) == (Arm.STABLE, "unknown response")
    assert place(0.0001, 0.2, kind="response", pinned=Arm.CANARY).arm is Arm.CANARY


def test_opted_out_and_denied_stay_out() -> None:
    """Whatever the share and the pin, and for the rest of the conversation."""
    found = place(0.0, 1.0, pinned=Arm.CANARY, stable_only="opted out")
    assert (found.arm, found.why, found.pin, found.drawn) == (Arm.STABLE, "opted out", True, False)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_no_body_is_too_strange(body: dict[str, object]) -> None:
    """Whatever JSON a stranger sends, it has a conversation, and the same one twice."""
    assert identify("t", {}, body) == identify("t", {}, dict(reversed(body.items())))
    assert assignment.is_first_turn(body) in (True, False)
    assert 0 <= position(SALT, identify("t", {}, body)) < 1


def test_a_user_is_observed_once_a_day() -> None:
    """All that one person asks in a day is one observation; a conversation is one whenever it is held."""
    user, talk = identify("t", {}, {"user": "u"}), identify("t", {}, {"conversation": "c"})
    assert user.observed(1) != user.observed(2)
    assert talk.observed(1) == talk.observed(2)
