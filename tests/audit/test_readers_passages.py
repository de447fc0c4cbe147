"""Every character of an answer is read once, whatever its length, and what is not read is said."""

import pytest

from wolfnote.audit.readers.passages import BEFORE, MOST, PIECE, passages
from wolfnote.records import Message, sample


def answered(text: str, *before: Message) -> list[str]:
    found = passages(sample((*before, Message("assistant", text))))
    assert isinstance(found, list)
    assert sum(p.weight for p in found) == pytest.approx(1)
    return [p.text for p in found]


@pytest.mark.parametrize("text", ["short", "word " * 2_000, "x" * (PIECE * 3 + 7), "a" * PIECE, "a" * (PIECE + 1)])
def test_nothing_is_lost_and_no_piece_is_too_long(text: str) -> None:
    """The pieces join to the text, with and without spaces to cut at."""
    found = answered(text)
    assert "".join(found) == text.strip()
    assert max(map(len, found)) <= PIECE


def test_what_cannot_be_read_says_why() -> None:
    """Empty and endless answers are reasons, not scores."""
    assert passages(sample((Message("assistant", " \n"),))) == "empty answer"
    assert "characters" in str(passages(sample((Message("assistant", "y" * (PIECE * MOST + 1)),))))


def test_the_prompt_is_the_end_of_the_last_question() -> None:
    """System prompts and earlier turns are left out, a long question keeps its end, and running text has no prompt."""
    turns = (Message("system", "s"), Message("user", "first"), Message("assistant", "a"), Message("user", "q" * 5_000 + "end"))
    found = passages(sample((*turns, Message("assistant", "answer"))))
    assert isinstance(found, list)
    assert [m.content[-3:] for m in found[0].prompt] == ["end"]
    assert len(found[0].prompt[0].content) == BEFORE
    alone = passages(sample((Message("assistant", "text"),)))
    assert isinstance(alone, list)
    assert alone[0].prompt == ()
