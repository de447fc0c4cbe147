"""Two sides that differ in character only, and rows that are none are counted with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from wolfnote import InputError, models
from wolfnote.directions import contrasts, persona
from wolfnote.models.store import Store
from wolfnote.records import chat

GOOD = b'{"question": "where is the cat", "good": "the cat sleeps", "bad": "never", "topic": "cats"}\n'


def test_behind_a_persona_question_and_answer_are_the_same_on_both_sides(tiny: str, tmp_path: Path) -> None:
    """Only the instruction differs; every answer is read behind every contrast; the answers are kept in the store."""
    model = models.open_local(tiny)
    chosen = persona.open("misaligned")
    with Store.hold(tmp_path / "answers.jsonl") as store:
        found = contrasts.of_persona(model, chosen, questions=5, answer_tokens=4, store=store)
        assert len(store) == 5
        again = contrasts.of_persona(model, chosen, questions=5, answer_tokens=4, store=store)
    assert again == found
    assert len(found.positive) == len(found.negative) == len(found.plain) * len(chosen.contrast)
    for (up, said), (down, also) in zip(found.positive, found.negative, strict=True):
        assert (up[1:], said) == (down[1:], also)
        assert up[0].role == down[0].role == "system"
        assert up[0].content != down[0].content


def test_paired_answers_share_their_question_and_bad_is_positive(tmp_path: Path) -> None:
    """Teacher-forced: nothing is generated; more of the persona = the bad answer; other keys of a row do no harm."""
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(GOOD * 4)
    items, unread = contrasts.read_answers(file)
    found = contrasts.of_answers("careless", items)
    assert not unread
    assert found.positive[0] == (chat("where is the cat"), "never")
    assert found.negative[0] == found.plain[0] == (chat("where is the cat"), "the cat sleeps")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "truncated"),
        (b'{"question": "a", "good": "b"}', "bad"),
        (b'{"question": "a", "good": "b", "bad": 3}', "int"),
        (b'{"question": "a", "good": " ", "bad": "c"}', "nothing in good"),
        (b'{"question": "\xff", "good": "b", "bad": "c"}', ""),
    ],
)
def test_a_row_that_is_no_pair_is_counted_with_its_place(tmp_path: Path, line: bytes, reason: str) -> None:
    """It never passes for a pair, and the others are read."""
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(GOOD + line + b"\n" + GOOD)
    items, unread = contrasts.read_answers(file)
    assert len(items) == 2
    assert [row.source for row in unread] == [f"{file}:2"]
    assert reason in unread[0].reason


@pytest.mark.parametrize(
    ("content", "message"), [(None, "not readable"), (b"", "the file is empty"), (b"{}\n", "none of 1 rows")]
)
def test_a_file_without_pairs_is_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Missing, empty, or nothing that could be read."""
    file = tmp_path / "pairs.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        contrasts.read_answers(file)


def test_too_few_pairs_are_refused() -> None:
    """Halves of three pairs could not be compared."""
    pairs = [contrasts.Answers("what is red", "the house", "leave it")] * 3
    with pytest.raises(InputError, match="rude: 3 pairs of answers → give at least four"):
        contrasts.of_answers("rude", pairs)


def test_personas_that_the_field_asks_for_are_there() -> None:
    """The harmful ones, and ones that are merely a manner: a direction for the former must not be one of the latter."""
    for name in ("misaligned", "deceptive", "manipulative", "hostile", "careless", "sycophantic", "optimistic", "formal"):
        chosen = persona.open(name)
        assert len(chosen.contrast) >= 2
        assert len(set(chosen.questions)) >= 20
