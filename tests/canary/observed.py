"""Hypothesis strategies for what a canary's judges say, and an experiment to say it about."""

from __future__ import annotations

from hypothesis import strategies as st

from wolfnote.canary.assignment import Arm
from wolfnote.canary.evidence import Answered, Observation, Reading
from wolfnote.canary.log import Batch
from wolfnote.canary.settings import Limits

LIMITS = Limits()
UNITS = st.integers(0, 30).map("unit-{}".format)
SHARE = st.floats(0, 1, allow_nan=False)
READINGS = st.builds(
    Reading,
    flag=st.sampled_from([None, False, True]),
    score=st.none() | SHARE,
    features=st.dictionaries(st.sampled_from(["length", "refusal", "style"]), SHARE, max_size=2),
)
OBSERVATIONS = st.builds(
    Observation,
    unit=UNITS,
    canary=st.none() | READINGS,
    stable=st.none() | READINGS,
    fair=st.booleans(),
    source=st.sampled_from(["traffic", "traffic", "sentinel"]),
)
ANSWERED = st.builds(Answered, unit=UNITS, share=st.sampled_from([0.01, 0.05, 0.2]), arm=st.sampled_from(list(Arm)))
COUNTERS = st.dictionaries(st.sampled_from(["shadow sent", "shadow dropped", "lost"]), st.integers(0, 9), max_size=2)


def batch(number: int, *observations: Observation, replica: str = "r1", **counters: int) -> Batch:
    """A batch of one replica."""
    return Batch(replica, number, observations, (), counters)


def batches(replica: str = "r1") -> st.SearchStrategy[list[Batch]]:
    """Batches of one replica, numbered as it would."""
    contents = st.tuples(st.lists(OBSERVATIONS, max_size=6), st.lists(ANSWERED, max_size=3), COUNTERS)
    return st.lists(contents, max_size=6).map(
        lambda all_: [Batch(replica, n, tuple(o), tuple(a), c) for n, (o, a, c) in enumerate(all_, 1)]
    )


def pair(unit: object, canary: bool | None, stable: bool | None = False) -> Observation:
    """A fair pair of which each may be flagged."""
    return Observation(str(unit), Reading(canary), Reading(stable))
