"""What the log says again is what the gateway held, bit for bit; whatever was changed in it is found, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import LIMITS, batch, batches, pair

from wolfnote.canary.controller import AUTOMATIC, Stage, State, begin, decide, follows, promote, roll_back
from wolfnote.canary.log import Batch, Begun, Decided, Entry, Head, Noted, seal, verified
from wolfnote.canary.replay import compare, replay
from wolfnote.canary.settings import Course
from wolfnote.canary.store.database import Database
from wolfnote.errors import RunError

COURSE = Course(pairs=1, steps=(0.05,))
replaced = msgspec.structs.replace


def life(path: Path) -> Database:
    """A canary that was promoted to 5 % and rolled back for harm: eight entries."""
    store = Database.write(path)
    store.begin("x", LIMITS, {"tuned": "t"}, 1.0)
    store.decide("x", lambda s: begin(s.state, AUTOMATIC, 2.0), 2.0)
    store.append("x", batch(1, *[pair(n, False) for n in range(5)]), 3.0)
    store.note("x", Noted("a judge began", {"judge": "rules"}), 3.0)
    store.decide("x", lambda s: promote(s.state, s.evidence, s.limits, COURSE, "Ada", 4.0), 4.0)
    store.append("x", batch(2, *[pair(f"b{n}", True) for n in range(15)]), 5.0)
    store.append("x", batch(1, *[pair(f"c{n}", None) for n in range(3)], replica="r2"), 6.0)
    store.decide("x", lambda s: decide(s.state, s.evidence, s.limits, 7.0), 7.0)
    return store


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    store = life(tmp_path_factory.mktemp("life") / "x.db")
    entries = store.entries("x", 0)
    assert compare(replay(entries), store.snapshot("x")) == ""
    store.close()
    return entries


def resealed(entries: list[Entry], change: Callable[[int, object], object]) -> list[Entry]:
    """The whole chain forged anew, with each body changed as asked: what somebody with the disk in hand could write."""
    head, forged = Head(), []
    for n, entry in enumerate(entries, 1):
        made = seal(entry.experiment, head, entry.at, change(n, entry.read()))  # type: ignore[arg-type]
        head = Head(made.number, made.hash)
        forged.append(made)
    return forged


def test_the_life_is_what_it_seems(lived: list[Entry]) -> None:
    """Eight entries, three decisions, and the rollback's evidence beside it."""
    again = replay(lived)
    assert [type(entry.read()).__name__ for entry in lived] == [
        *("Begun", "Decided", "Batch", "Noted", "Decided", "Batch", "Batch", "Decided"),
    ]
    assert [d.state.stage for d in again.decisions] == [Stage.SHADOW, Stage.CANARY, Stage.ROLLED_BACK]
    assert again.decisions[-1].evidence.harmful
    assert not again.decisions[-2].evidence.harmful
    assert set(again.by_replica) == {"r1", "r2"}


@settings(max_examples=60, deadline=None)
@given(batches("a"), batches("b"), st.integers(0, 6), st.booleans())
def test_replay_equals_live(a: list[Batch], b: list[Batch], cut: int, promoted: bool) -> None:
    """Any observations of two replicas, decisions in between, the watch on or off: everything is the same at the end."""
    store = Database.write(Path("/dev/shm") / f"wolfnote-replay-{id(a)}.db")  # noqa: S108 - memory, for speed
    try:
        store.begin("x", LIMITS, {}, 1.0)
        store.decide("x", lambda s: begin(s.state, AUTOMATIC, 2.0), 2.0)
        mixed = [*a[:cut], *b, *a[cut:]]
        for n, one in enumerate(mixed):
            store.append("x", one, float(n))
            if promoted and n == 0:
                _promote(store)
            store.decide("x", lambda s: decide(s.state, s.evidence, s.limits, float(n)), float(n))
        live = store.snapshot("x")
        assert compare(replay(store.entries("x", 0)), live) == ""
    finally:
        store.close()
        for file in Path("/dev/shm").glob(f"wolfnote-replay-{id(a)}.db*"):  # noqa: S108
            file.unlink()


def _promote(store: Database) -> None:
    """Straight up, by a person: the store asks only whether a state may follow."""
    for stage, share in ((Stage.CANARY, 0.05), (Stage.PROMOTED, 1.0)):

        def step(snapshot: object, stage: Stage = stage, share: float = share) -> State | None:
            state: State = snapshot.state  # type: ignore[attr-defined]
            after = replaced(state, number=state.number + 1, stage=stage, share=share, who="Ada")
            return after if follows(state, after) else None

        store.decide("x", step, 2.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 7), st.sampled_from(["body", "at", "previous", "hash", "number", "experiment"]))
def test_a_changed_entry_is_named(lived: list[Entry], place: int, field: str) -> None:
    """One bit in any field of any entry."""
    entry = lived[place]
    value = getattr(entry, field)
    other = value + 1 if isinstance(value, int | float) else value[:-1] + (b"]" if isinstance(value, bytes) else "?")
    changed = [*lived[:place], replaced(entry, **{field: other}), *lived[place + 1 :]]
    with pytest.raises(RunError, match=r"entry \d+ (was changed|does not follow)"):
        replay(changed)


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(8)), st.integers(1, 8))
def test_moved_or_missing_entries_are_named(lived: list[Entry], order: list[int], kept: int) -> None:
    """Whatever is not the beginning of the log in its order is refused; a cut end shows only against a head kept elsewhere."""
    some = [lived[n] for n in order[:kept]]
    if order[:kept] == list(range(kept)):
        assert replay(some).snapshot.head.number == kept
        return
    with pytest.raises(RunError, match=r"does not follow|does not begin"):
        replay(some)


def test_a_cut_end_shows_against_the_store(lived: list[Entry]) -> None:
    """The chain cannot show it by itself; the store's state, counts and head do."""
    whole = replay(lived).snapshot
    assert compare(replay(lived[:-1]), whole).startswith("state")
    assert compare(replay(lived[:-2]), replaced(whole, state=replay(lived[:-2]).snapshot.state)).startswith("head")


def test_forging_the_whole_chain_does_not_help(lived: list[Entry]) -> None:
    """With every hash made anew: a flag taken out, a decision without its evidence, or one that nothing leads to is found."""

    def without_flags(n: int, body: object) -> object:
        return replaced(body, observations=tuple(pair(k, False) for k in range(15))) if n == 6 else body

    with pytest.raises(RunError, match="entry 8 decided on other evidence than the log holds: ceiling"):
        replay(resealed(lived, without_flags))

    def mild(n: int, body: object) -> object:
        return replaced(body, state=replaced(body.state, stage=Stage.HOLD)) if n == 8 else body  # type: ignore[attr-defined]

    with pytest.raises(RunError, match="entry 8: nothing in the evidence leads to HOLD"):
        replay(resealed(lived, mild))

    def by_nobody(n: int, body: object) -> object:
        return replaced(body, state=replaced(body.state, who=AUTOMATIC)) if n == 5 else body  # type: ignore[attr-defined]

    with pytest.raises(RunError, match="entry 5: CANARY may not follow SHADOW"):
        replay(resealed(lived, by_nobody))

    def twice(n: int, body: object) -> object:
        return replaced(body, replica="r1", number=2) if n == 7 else body

    with pytest.raises(RunError, match="entry 7 repeats batch 2 of r1"):
        replay(resealed(lived, twice))


def test_after_a_rollback_the_log_may_go_on_but_not_the_canary(lived: list[Entry]) -> None:
    """Late verdicts are counted still; a state after ROLLED BACK is refused, whoever signs it."""
    last = Head(lived[-1].number, lived[-1].hash)
    late = seal("x", last, 8.0, batch(3, pair("late", False)))
    again = replay([*lived, late])
    assert again.snapshot.counts["canary.units"] == replay(lived).snapshot.counts["canary.units"] + 1
    state = again.snapshot.state
    back = replaced(state, number=state.number + 1, stage=Stage.CANARY, share=0.05, who="Mallory")
    forged = seal("x", Head(late.number, late.hash), 9.0, Decided(back, again.snapshot.evidence))
    with pytest.raises(RunError, match="CANARY may not follow ROLLED BACK"):
        replay([*lived, late, forged])
    assert roll_back(state, "Ada", "", 9.0) is None


def test_an_entry_that_is_none_is_said_so() -> None:
    """Garbage of a right hash, a log that begins in the middle, an empty one."""
    garbage = [seal("x", Head(), 1.0, Begun(LIMITS))]
    made = garbage[0]
    with pytest.raises(RunError, match="entry 1 is no entry"):
        replaced(made, body=b'{"type": "spell"}').read()
    with pytest.raises(RunError, match="does not begin an experiment"):
        replay([seal("x", Head(), 1.0, batch(1))])
    with pytest.raises(RunError, match="the log is empty"):
        replay([])
    assert list(verified([])) == []
    tail = seal("x", Head(1, made.hash), 2.0, Noted("x"))
    assert list(verified([tail], Head(1, made.hash))) == [tail]


def test_numbers_come_back_as_they_went() -> None:
    """Seventeen digits where they are needed: a float in the log is the float that was logged."""
    value = 0.1 + 0.2
    state = State("x", share=value, at=1e-300)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state
