"""Labels: what is in force, what is settled, what is missing; who may say what and when."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from drawing import drawn, row
from wolfnote import InputError, RunError
from wolfnote.audit import labels, tally
from wolfnote.audit.labels import Label
from wolfnote.audit.review import Review

ROW, OTHER = f"{0:016x}", f"{1:016x}"


def label(reviewer: str, *categories: str, row: str = ROW, **more: object) -> Label:
    found = {
        "row": row,
        "reviewer": reviewer,
        "categories": categories,
        "id": f"{reviewer}{row}{categories}{more}"[:64],
        **more,
    }
    return msgspec.convert(found, Label)


@pytest.fixture
def review(tmp_path: Path) -> Review:
    return Review(drawn(tmp_path / "run", 8, risk=2))


def test_the_last_word_of_each_person_counts() -> None:
    """A later label replaces an earlier one; undo leaves none; the other person's stays."""
    said = [label("ana", "hostility"), label("ben"), label("ana", "manipulation")]
    assert labels.in_force(said)[ROW].reviewers["ana"].categories == ("manipulation",)
    said.append(label("ana", withdrawn=True))
    assert list(labels.in_force(said)[ROW].reviewers) == ["ben"]
    assert labels.in_force([label("ana"), label("ana", withdrawn=True)]) == {}


def test_the_same_label_sent_twice_counts_once() -> None:
    """A resend that arrives after the undo of the same judgement does not bring it back."""
    first = label("ana", "hostility")
    assert labels.in_force([first, label("ana", withdrawn=True), first]) == {}


def test_settled_means_agreed_or_decided() -> None:
    """One voice or several equal ones settle a row; different ones do not, until a third person decides."""
    assert labels.settled([label("ana", "hostility")]) == {ROW: ("hostility",)}
    assert labels.settled([label("ana"), label("ben")]) == {ROW: ()}
    apart = [label("ana", "hostility"), label("ben")]
    assert labels.settled(apart) == {}
    assert labels.settled([*apart, label("cleo", "hostility", adjudicated=True)]) == {ROW: ("hostility",)}
    changed = [*apart, label("cleo", adjudicated=True), label("dan", "manipulation", adjudicated=True)]
    assert labels.settled(changed) == {ROW: ("manipulation",)}


def test_who_cannot_judge_says_neither_clean_nor_anything() -> None:
    """An abstention settles nothing, disputes nothing, and is no rating."""
    assert labels.settled([label("ana", abstained=True)]) == {}
    both = [label("ana", abstained=True), label("ben", "hostility")]
    assert labels.settled(both) == {ROW: ("hostility",)}
    assert labels.ratings(both) == [[None, True]]
    assert labels.ratings(both, "manipulation") == [[None, False]]
    assert labels.ratings([label("ana", abstained=True)]) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"categories": ["rudeness"]},
        {"categories": ["manipulation", "hostility"]},
        {"categories": ["hostility", "hostility"]},
        {"categories": ["form"]},
        {"categories": ["hostility"], "abstained": True},
        {"categories": [], "reviewer": ""},
        {"categories": [], "note": "x" * 2001},
        {"categories": [], "seconds": -1},
        {"categories": [], "seconds": float("inf")},
    ],
)
def test_a_label_that_makes_no_sense_is_none(fields: dict[str, object]) -> None:
    """Unknown, unordered or doubled categories, a judgement that is none, a note or a time out of bounds."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"row": ROW, "reviewer": "ana"} | fields, Label)


def test_a_folder_without_a_draw_is_a_mistake(tmp_path: Path) -> None:
    """Missing, empty or damaged draws name the file and line."""
    with pytest.raises(InputError, match="no drawn rows"):
        Review(tmp_path)
    (tmp_path / "draw.jsonl").write_text("")
    with pytest.raises(InputError, match="no rows to review"):
        Review(tmp_path)
    drawn(tmp_path, 1)
    with (tmp_path / "draw.jsonl").open("ab") as file:
        file.write(b'{"row": 3')
    with pytest.raises(InputError, match=r"draw.jsonl:2: not a drawn row"):
        Review(tmp_path)


def test_the_order_of_reading_hides_the_parts(tmp_path: Path) -> None:
    """Every row once, risk among random, the same order whatever the order of the file; a row drawn twice is read once."""
    rows = [row(i, part="random" if i < 40 else "risk") for i in range(50)]
    first = Review(drawn(tmp_path / "a", [*rows, rows[3], row(4, part="risk")]))
    second = Review(drawn(tmp_path / "b", rows[::-1]))
    order = [place.row for place in first.drawn.places]
    assert order == [place.row for place in second.drawn.places]
    assert len(order) == 50
    assert {place.part for place in first.drawn.places[:25]} == {"random", "risk"}
    assert len(first.drawn.random) == 41
    assert [first.drawn.load(n)["row"] for n in range(50)] == order


def test_a_draw_that_changes_under_the_review_is_noticed(tmp_path: Path) -> None:
    """An audit that drew anew must not put another row's text under the id that is judged."""
    review = Review(drawn(tmp_path / "run", 3))
    drawn(tmp_path / "run", [row(i, answer="a longer answer") for i in range(3)])
    with pytest.raises(RunError, match="start the review again"):
        [review.drawn.load(n) for n in range(3)]


def test_an_answer_is_blind_or_it_is_final(review: Review) -> None:
    """Nobody looks before answering; whoever has looked changes nothing any more."""
    assert review.look(ROW, "ana") is False
    assert review.say([label("ana", "hostility")]) == {}
    assert review.say([label("ana")]) == {}
    assert review.look(ROW, "ana") is True
    late = label("ana", "dishonesty")
    assert "final" in review.say([late])[late.id]
    undo = label("ana", withdrawn=True)
    assert "final" in review.say([undo])[undo.id]
    assert labels.settled(review.labels.read()) == {ROW: ()}
    assert review.look(ROW, "ben") is False


def test_only_a_third_person_decides(review: Review) -> None:
    """No decision where reviewers agree, none by a reviewer of the row; who decides can review the row no more."""
    decision = label("cleo", "hostility", adjudicated=True)
    assert "do not differ" in review.say([decision])[decision.id]
    review.say([label("ana", "hostility"), label("ben")])
    own = label("ben", "hostility", adjudicated=True)
    assert "somebody else" in review.say([own])[own.id]
    assert review.look(ROW, "cleo") is True
    assert review.say([msgspec.structs.replace(decision, id="again")]) == {}
    blind = label("cleo", "hostility")
    assert "final" in review.say([blind])[blind.id]
    assert labels.settled(review.labels.read()) == {ROW: ("hostility",)}
    assert labels.ratings(review.labels.read()) == [[True, False]]  # a decision is no third rating


def test_a_row_of_another_run_is_refused(review: Review) -> None:
    """A browser that still holds answers of another run brings none of them in."""
    foreign = label("ana", row="ffff")
    assert review.say([foreign, label("ana")]) == {foreign.id: "this row is not in the draw"}
    assert len(review.labels.read()) == 1


def test_two_servers_see_each_others_labels(review: Review) -> None:
    """A second process over the same folder reads what the first one wrote, and keeps no judgement twice."""
    second = Review(review.run)
    review.say([label("ana")])
    second.say([label("ana"), label("ben", "hostility")])
    assert len(review.labels.read()) == len(second.labels.read()) == 2
    assert list(review.opinions()[ROW].reviewers) == ["ana", "ben"]


def test_rates_are_of_the_random_part_alone(review: Review) -> None:
    """Eight random rows, one flagged, one in dispute: 1 of 7. The risky rows, all flagged, move nothing."""
    every = [place.row for place in review.drawn.places if place.part == "random"]
    risky = [place.row for place in review.drawn.places if place.part == "risk"]
    said = [label("ana", *(["hostility"] if i == 0 else []), row=one) for i, one in enumerate(every)]
    said += [label("ana", "manipulation", row=one) for one in risky]
    review.say([*said, label("ben", "hostility", row=every[3])])
    found = tally.of(review)
    rates = {rate.name: rate for rate in found.rates}
    assert rates[tally.ANY].n == 7
    assert rates[tally.ANY].value == pytest.approx(1 / 7)
    assert rates["hostility"].high == pytest.approx(0.5787, abs=1e-3)
    assert rates["manipulation"].value == 0
    assert found.missing == review.judged().count(None) == 1
    assert found.risk == (2, 2, 2)
    assert found.disputed == [every[3]]


def test_a_row_drawn_twice_weighs_twice(tmp_path: Path) -> None:
    """The rate is of rows of the data: a duplicate that was drawn twice is read once and counted twice."""
    review = Review(drawn(tmp_path / "run", [row(0), row(0), row(1)]))
    review.say([label("ana", "hostility"), label("ana", row=OTHER)])
    rates = {rate.name: rate for rate in tally.of(review).rates}
    assert (rates["hostility"].value, rates["hostility"].n) == (pytest.approx(2 / 3), 3)


def test_agreement_of_a_review(review: Review) -> None:
    """Two reviewers: alpha and kappa for anything and each category; undefined where nobody varied."""
    rows = [place.row for place in review.drawn.places]
    review.say([label("ana", *(["hostility"] if i < 3 else []), row=one) for i, one in enumerate(rows)])
    assert tally.of(review).agreement == []
    review.say([label("ben", *(["hostility"] if i < 2 else []), row=one) for i, one in enumerate(rows)])
    found = dict(tally.of(review).agreement)
    names = [estimate.name for estimate in found["hostility"]]
    assert names == ["Krippendorff's alpha", "Cohen's kappa, ana and ben"]
    assert found["hostility"][1].value == pytest.approx((0.9 - 0.62) / (1 - 0.62))
    assert found["manipulation"] == []


def test_what_detectors_and_readers_said_is_found(tmp_path: Path) -> None:
    """A row's own flags, with whose turn they are about, and readers' findings at its place; hostile shapes are no crash."""
    flag = {"code": "WN103", "message": "false urgency", "evidence": "only 2 left", "turn": 0, "role": "user", "counts": False}
    rows = [row(0, flags=[flag, "what"]), row(1), row(2, flags="x")]
    run = drawn(tmp_path / "run", rows)
    found = [{"code": code, "severity": "warning", "message": "m", "where": f"rows.jsonl:{line}"} for code, line in (("WN103", 1), ("WN101", 1), ("WN105", 2), ("WN105", 7))]  # fmt: skip
    (run / "findings.jsonl").write_text("not json\n" + "".join(json.dumps(one) + "\n" for one in found))
    review = Review(run)
    assert [(one.code, one.severity) for one in review.found(rows[0])] == [("WN103", "info"), ("WN101", "warning")]
    assert review.found(rows[0])[0].message == "false urgency (user turn 0, no hazard in itself)"
    assert [one.code for one in review.found(rows[1])] == ["WN105"]
    assert review.found(rows[2]) == []
