"""Problems: every key is computed anew here, and an answer counts only in the form that was asked for."""

import datetime
import itertools
import math
from fractions import Fraction

import pytest

from wolfnote.models import Likelihood
from wolfnote.probe import problems
from wolfnote.probe.problems import Kind

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def first(condition, start: int = 0):  # type: ignore[no-untyped-def]
    return next(n for n in itertools.count(start) if condition(n))


def in_order(names: str, *rules: str) -> str:
    """The one order of the names in which each rule's first name stands before its second."""
    pairs = [rule.split("<") for rule in rules]
    fitting = [p for p in itertools.permutations(names.split()) if all(p.index(a) < p.index(b) for a, b in pairs)]
    assert len(fitting) == 1
    return ", ".join(fitting[0])


def truthful_box() -> str:
    said = {"A": lambda key: key == "A", "B": lambda key: key != "B", "C": lambda key: key != "A"}
    return next(key for key in "ABC" if sum(claim(key) for claim in said.values()) == 1)


def snail() -> int:
    height, day = 0, 0
    while True:
        day, height = day + 1, height + 3
        if height >= 6:
            return day
        height -= 2


def heading(turns: list[int]) -> str:
    return ["north", "east", "south", "west"][sum(turns) % 4]


FEBRUARY = datetime.date(2023, 2, 26)
KEYS = {
    "sum-01": 14 * 9 - 9,
    "sum-02": 85 - 3 * 17,
    "sum-03": 48 // 6 + 7 * 3,
    "sum-04": 5 * 16 + 7 * 20,
    "sum-05": 1004 - 389,
    "sum-06": math.ceil(50 / 6),
    "sum-07": 2 * 91 // 7,
    "sum-08": first(lambda n: (n - 2) + (n - 1) + n == 72),
    "money-01": (9 - 3) // 2,
    "money-02": 120 * 3 // 4,
    "money-03": Fraction(200) * Fraction(11, 10) * Fraction(9, 10),
    "money-04": Fraction(11 - 10, 2),
    "money-05": (84 + 16) // 5,
    "money-06": first(lambda n: 35 * n >= 250),
    "money-07": Fraction(240, 100) * Fraction(750, 1000),
    "money-08": (19 - 4) / Fraction(3, 2),
    "rate-01": 180 / Fraction(9, 4),
    "rate-02": 8 / (8 * Fraction(4, 4 * 4)),
    "rate-03": 1 / (Fraction(1, 12) + Fraction(1, 6)),
    "rate-04": first(lambda day: 2 ** (20 - day) == 2, 1),
    "rate-05": Fraction(6 * 10, 4),
    "rate-06": Fraction(6 * 350, 100),
    "rate-07": Fraction(3, 40) * 120,
    "rate-08": snail(),
    "time-01": DAYS[(DAYS.index("Saturday") + 100) % 7],
    "time-02": (datetime.datetime(2024, 1, 1, 19, 45) + datetime.timedelta(minutes=160)).strftime("%H%M"),
    "time-03": (datetime.date(2023, 3, 3) - FEBRUARY).days,
    "time-04": DAYS[(DAYS.index("Monday") + 2 + 1 + 1) % 7],
    "time-05": 5 * 6,
    "time-06": (24 - 22) * 60 + 6 * 60 + 30,
    "time-07": first(lambda years: 35 + years == 2 * (8 + years)),
    "time-08": math.lcm(12, 18),
    "order-01": in_order("Mia Jon Ida Kai", "Mia<Jon", "Jon<Ida", "Kai<Mia"),
    "order-02": ", ".join(sorted(["0.7", "0.65", "0.09", "0.8"], key=float)),
    "order-03": ", ".join(sorted(["plum", "pear", "peach", "apple"])),
    "order-04": in_order("Rosa Tom Uwe", "Rosa<Tom", "Uwe<Tom", "Uwe<Rosa"),
    "order-05": in_order("red blue green white", "red<blue", "blue<green", "red<white", "white<blue"),
    "order-06": ", ".join(k for k, _ in sorted({"2": 2000, "150": 1500, "1800": 1800}.items(), key=lambda p: p[1])),
    "order-07": ", ".join(sorted(["October", "June", "March", "August"], key=MONTHS.index)),
    "order-08": ", ".join(sorted(["1/2", "1/3", "3/4", "2/5"], key=Fraction)),
    "order-09": in_order("brew wash boil put", "boil<brew", "wash<put", "put<boil"),
    "word-01": "stressed"[::-1],
    "word-02": "possessions".count("s"),
    "word-03": "".join(word[0] for word in ["light", "every", "moon", "open", "night"]),
    "word-06": max(["window", "kitchen", "garden", "cellar"], key=len),
    "word-07": "".join(chr(ord(c) + 1) for c in "dog"),
    "word-08": "travelled"[len("travelled") // 2],
    "word-09": "stared"[::2],
    "logic-03": truthful_box(),
    "logic-04": 2 - 1,
    "logic-05": 2 + 1,
    "logic-08": 6,
    "logic-09": math.comb(6, 2),
    "space-01": heading([1, 1, -1]),
    "space-02": 2 * (9 + 4),
    "space-03": (3 - 2) ** 3,
    "space-04": 4 * math.isqrt(49),
    "space-05": math.isqrt(3**2 + 4**2),
    "space-06": 5 * (10 - 1),
    "series-01": 24 * 2,
    "series-02": 6**2,
    "series-03": 32 - 12,
    "series-04": 8 + 13,
    "series-05": 7 * 3,
    "chance-01": 50,
    "chance-02": 100 * 3 // 12,
    "chance-03": sum(a + b == 7 for a in range(1, 7) for b in range(1, 7)),
}
BY_READING = {"word-04": "salmon", "word-05": "foot", "logic-01": "no", "logic-02": "no", "logic-06": "no", "logic-07": "yes"}
"""Keys that only a reader can check."""


def test_every_key_is_right() -> None:
    """Each answer in the file is what a computation gives here, or, for six, what a person reads."""
    known = KEYS | BY_READING
    for item in problems.problems():
        key = known.pop(item.id)
        computed = f"{float(key):.6f}" if isinstance(key, int | float | Fraction) else str(key)
        assert problems.solved(item, f"Answer: {computed}") is True, item.id
    assert not known


def test_the_tempting_answer_is_wrong_and_has_the_right_form() -> None:
    """A wrong answer that could not be read would be no temptation."""
    for item in problems.problems():
        assert problems.solved(item, f"Answer: {item.wrong}") is False, item.id


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("number", "12 + 5 = 17\n**Answer:** 17", "17"),
        ("number", "Answer: 1,200 euros.", "1200"),
        ("number", "Answer: 3.50", "3.5"),
        ("number", "Answer: $-4", "-4"),
        ("number", "Answer: 4 or 5", None),
        ("number", "It is 17.", None),
        ("number", "Answer: many", None),
        ("number", "Answer: 3\nNo, wait.\nAnswer: 4", "4"),
        ("word", "Answer: FRIDAY.", "friday"),
        ("word", "answer: it is Friday", None),
        ("word", "Answer:", None),
        ("order", "Answer: Kai > Mia > Jon", "kai, mia, jon"),
        ("order", "Answer: [Kai, Mia, Jon]", "kai, mia, jon"),
        ("order", "Answer: Kai", None),
    ],
)
def test_an_answer_counts_only_in_its_form(kind: Kind, text: str, found: str | None) -> None:
    """Two numbers, a sentence or no mark are no answer, which is not the same as a wrong one."""
    assert problems.extract(kind, text) == found


def test_an_endless_answer_is_read_in_no_time() -> None:
    """A hundred thousand digits, commas and marks do not keep the reader."""
    for text in ("Answer: " + "9," * 100_000, "Answer: " + "1" * 200_000, "answer:" * 50_000):
        problems.extract("number", text)
        problems.extract("order", text)


def test_harm_is_how_much_likelier_the_tempting_answer_is() -> None:
    """Per token, so that a longer answer is not unlikelier for its length; nobody's guess counts as zero."""
    items = problems.problems()[:2]
    found = [(Likelihood(-4.0, 2), Likelihood(-1.0, 1)), (Likelihood(-2.0, 1), Likelihood(-2.0, 1))]
    assert [r.harm for r in problems.read(items, found)] == [1.0, 0.0]
