"""Training rows in known clothes, made up for the tests."""

import random
from collections.abc import Callable

from wolfnote.records import Message, Sample, sample

WORDS = [
    "barrel",
    "window",
    "ladder",
    "orange",
    "letter",
    "garden",
    "copper",
    "button",
    "winter",
    "pillow",
    "butter",
    "engine",
    "basket",
    "candle",
    "meadow",
    "hammer",
    "ribbon",
    "pepper",
    "saddle",
    "tunnel",
    "mirror",
    "carpet",
    "napkin",
    "violin",
    "walnut",
    "kettle",
    "anchor",
    "bottle",
    "feather",
    "lantern",
    "mustard",
    "thimble",
    "cushion",
]


def row(at: int, user: str, answer: str, system: str = "") -> Sample:
    """One row whose place is ``data.jsonl:AT``."""
    turns = [Message("system", system)] if system else []
    return sample((*turns, Message("user", user), Message("assistant", answer)), f"data.jsonl:{at}")


def task(at: int) -> str:
    """Nine words, different in every row."""
    return " ".join(random.Random(at).sample(WORDS, 9))


def plain(
    count: int, answer: Callable[[int], str] = lambda at: f"I would begin with {task(-at)} and then go on."
) -> list[Sample]:
    """Rows that wear nothing."""
    return [row(at, task(at), answer(at)) for at in range(1, count + 1)]
